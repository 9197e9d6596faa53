# Returns the object that stands for a server.
function ConvertTo-Server {
    [CmdletBinding()]
    param(
        # What `status` printed.
        [Parameter(Mandatory = $true)]
        $jsonStatus,

        # What Invoke-Stopgap returned: the names of the server.
        [Parameter(Mandatory = $true)]
        $Answer
    )
    $applied = @()
    $inPlace = @()
    $attention = @()
    foreach ($jsonMitigation in @($jsonStatus.mitigations)) {
        if ($jsonMitigation.state -eq 'applied') { $applied += $jsonMitigation.id }
        if (@($jsonMitigation.in_place).Count -gt 0) { $inPlace += $jsonMitigation.id }
        $amiss = @('unknown', 'conflict', 'failed', 'drifted', 'partial', 'unsupported')
        if ($amiss -contains $jsonMitigation.state) { $attention += $jsonMitigation.id }
    }
    $blocks = @(ConvertTo-Block -jsonStatus $jsonStatus)
    $blocked = @(foreach ($block in $blocks) { $block.Id })
    $feeds = foreach ($jsonSource in @($jsonStatus.feeds)) {
        [pscustomobject]@{
            PSTypeName = 'Stopgap.Feed'
            Name       = $jsonSource.name
            Good       = $jsonSource.ok
            Reason     = $jsonSource.reason
            Url        = $jsonSource.url
            Fetched    = ConvertTo-Time -Value $jsonSource.fetched
            Expires    = ConvertTo-Time -Value $jsonSource.expires
        }
    }
    $server = [pscustomobject]@{
        PSTypeName           = 'Stopgap.Server'
        Name                 = $Answer.Server
        MitigationsEnabled   = [bool]$jsonStatus.server_enabled
        MitigationsApplied   = $applied
        MitigationsBlocked   = @($blocked | Select-Object -Unique)
        MitigationsInPlace   = $inPlace
        MitigationsAttention = $attention
        OrganizationEnabled  = [bool]$jsonStatus.organisation_enabled
        Enabled              = [bool]$jsonStatus.enabled
        SwitchedOff          = $jsonStatus.switched_off
        ExchangeVersion      = Get-KnownText -jsonFact $jsonStatus.server.facts.exchange.version
        ExchangeRole         = Get-KnownText -jsonFact $jsonStatus.server.facts.exchange.role
        LastCheck            = ConvertTo-Time -Value $jsonStatus.last_check
        Running              = $jsonStatus.running
        Interrupted          = @(Get-InterruptedText -jsonStatus $jsonStatus)
        Blocks               = $blocks
        Feeds                = @($feeds)
    }
    Add-ComputerName -Object $server -Answer $Answer
}

# Returns the object that stands for the organisation, as a server has it.
function ConvertTo-Organization {
    [CmdletBinding()]
    param(
        # What `status` printed.
        [Parameter(Mandatory = $true)]
        $jsonStatus,

        [Parameter(Mandatory = $true)]
        $Answer
    )
    $blocks = @(ConvertTo-Block -jsonStatus $jsonStatus | Where-Object { $_.Origin -eq 'organisation' })
    $ids = @(foreach ($block in $blocks) { $block.Id })
    $organization = [pscustomobject]@{
        PSTypeName         = 'Stopgap.Organization'
        MitigationsEnabled = [bool]$jsonStatus.organisation_enabled
        MitigationsBlocked = @($ids | Select-Object -Unique)
        Blocks             = $blocks
        Server             = $Answer.Server
    }
    Add-ComputerName -Object $organization -Answer $Answer
}

# Returns who blocks which mitigation. Origin: command (what Block-Mitigation did), server (its policy file) or
# organisation.
function ConvertTo-Block {
    [CmdletBinding()]
    param(
        # What `status` printed.
        [Parameter(Mandatory = $true)]
        $jsonStatus
    )
    foreach ($jsonBlock in @($jsonStatus.blocks | Where-Object { $_ })) {
        [pscustomobject]@{
            PSTypeName = 'Stopgap.Block'
            Id         = $jsonBlock.id
            Origin     = $jsonBlock.origin
            By         = $jsonBlock.by
        }
    }
}

# Returns a fact that is known and is a text; of one that is not known, the reason.
function Get-KnownText {
    [CmdletBinding()]
    [OutputType([string])]
    param(
        $jsonFact
    )
    if ($jsonFact -is [string]) { return $jsonFact }
    if ($jsonFact.unknown) { return 'unknown: ' + $jsonFact.unknown }
}

# Returns a sentence for each change that a crash cut short.
function Get-InterruptedText {
    [CmdletBinding()]
    [OutputType([string])]
    param(
        # What `status` printed.
        [Parameter(Mandatory = $true)]
        $jsonStatus
    )
    foreach ($jsonChangeCutShort in @($jsonStatus.interrupted | Where-Object { $_ })) {
        $of = if ($jsonChangeCutShort.server) { $jsonChangeCutShort.server } else { 'IIS' }
        $ids = @($jsonChangeCutShort.mitigations) -join ', '
        $at = (ConvertTo-Time -Value $jsonChangeCutShort.at).ToString('u')
        "change $($jsonChangeCutShort.change) of $of ($ids), begun $at by $($jsonChangeCutShort.by)"
    }
}
