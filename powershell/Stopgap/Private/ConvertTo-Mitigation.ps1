# Returns the object that stands for a mitigation on a server.
function ConvertTo-Mitigation {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        $jsonMitigation,

        # What Invoke-Stopgap returned: the names of the server.
        [Parameter(Mandatory = $true)]
        $Answer
    )
    $actions = @(foreach ($jsonAction in @($jsonMitigation.actions)) {
            [pscustomobject]@{
                PSTypeName  = 'Stopgap.Action'
                Id          = $jsonAction.id
                Type        = $jsonAction.kind
                State       = $jsonAction.state
                Reason      = $jsonAction.reason
                ReasonCodes = @(Get-Code -Reasons $jsonAction.reasons)
                Where       = $jsonAction.where
                Notes       = @($jsonAction.notes)
            }
        })
    $types = @(foreach ($action in $actions) { $action.Type })
    $mitigation = [pscustomobject]@{
        PSTypeName        = 'Stopgap.Mitigation'
        Id                = $jsonMitigation.id
        Type              = @($types | Select-Object -Unique)
        Description       = $jsonMitigation.title
        Status            = ConvertTo-Status -State $jsonMitigation.state
        State             = $jsonMitigation.state
        Blocked           = [bool]$jsonMitigation.blocked
        Reason            = $jsonMitigation.reason
        ReasonCodes       = @(Get-Code -Reasons $jsonMitigation.reasons)
        Revision          = $jsonMitigation.revision
        RevisionInstalled = $jsonMitigation.in_force
        Hash              = $jsonMitigation.hash
        Source            = $jsonMitigation.source
        Rules             = @($jsonMitigation.rules)
        InPlace           = @($jsonMitigation.in_place)
        Leftovers         = @($jsonMitigation.leftovers)
        LastSeen          = ConvertTo-Time -Value $jsonMitigation.evidence.last
        Actions           = $actions
        Server            = $Answer.Server
    }
    Add-ComputerName -Object $mitigation -Answer $Answer
}

# Adds what only `show` says of a mitigation.
function Add-MitigationDetail {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        $Mitigation,

        # What `show` printed.
        [Parameter(Mandatory = $true)]
        $jsonShow
    )
    $details = [ordered]@{
        Cves          = @($jsonShow.cves | Where-Object { $_ })
        Severity      = $jsonShow.severity
        Impact        = $jsonShow.impact
        References    = @($jsonShow.references | Where-Object { $_ })
        Probes        = @($jsonShow.probes | Where-Object { $_ })
        LastFailure   = $jsonShow.last_failure.error
        LastFailureAt = ConvertTo-Time -Value $jsonShow.last_failure.at
        Sightings     = @(foreach ($jsonSighting in @($jsonShow.sightings | Where-Object { $_ })) {
                [pscustomobject]@{
                    PSTypeName = 'Stopgap.Sighting'
                    At         = ConvertTo-Time -Value $jsonSighting.at
                    WebServer  = $jsonSighting.server
                    Site       = $jsonSighting.site.shown
                    Probe      = $jsonSighting.probe
                    Wanted     = $jsonSighting.wanted
                    Verdict    = $jsonSighting.verdict
                    Why        = $jsonSighting.why
                    Earlier    = $jsonSighting.earlier
                }
            })
    }
    Add-Member -InputObject $Mitigation -NotePropertyMembers $details -PassThru
}

# Adds the name of another server under which the object finds its way back there through the pipeline. An
# object of this server has none, so that what it is piped to works here.
function Add-ComputerName {
    [CmdletBinding()]
    param(
        $Object,
        $Answer
    )
    if ($Answer.ComputerName) {
        Add-Member -InputObject $Object -MemberType NoteProperty -Name ComputerName -Value $Answer.ComputerName
    }
    $Object
}

# Returns the codes of reasons.
function Get-Code {
    [CmdletBinding()]
    [OutputType([string])]
    param(
        $Reasons
    )
    foreach ($jsonReason in @($Reasons | Where-Object { $_ })) { $jsonReason.code }
}

# Returns a state as a status: "Applied", "Blocked", "Failed", "Not affected".
function ConvertTo-Status {
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [string]$State
    )
    if (-not $State) { return '' }
    $State.Substring(0, 1).ToUpperInvariant() + $State.Substring(1).Replace('-', ' ')
}
