# Returns the mitigations of a cycle that was about certain ones, and writes an error for each that is not as it
# was to be, and for each trouble.
function Out-Cycle {
    [CmdletBinding()]
    param(
        # What `remove` or `reapply` printed.
        [Parameter(Mandatory = $true)]
        $jsonCycle,

        [Parameter(Mandatory = $true)]
        $Answer,

        [Parameter(Mandatory = $true)]
        [System.Management.Automation.PSCmdlet]$Caller
    )
    foreach ($jsonMitigation in @($jsonCycle.mitigations | Where-Object { $_ })) {
        $mitigation = ConvertTo-Mitigation -jsonMitigation $jsonMitigation -Answer $Answer
        $mitigation
        Write-MitigationError -Mitigation $mitigation -Caller $Caller
    }
    Write-TroubleError -jsonCycle $jsonCycle -Server $Answer.Server -Caller $Caller
}

# Returns the object that stands for a check.
function ConvertTo-Check {
    [CmdletBinding()]
    param(
        # What `check` printed.
        [Parameter(Mandatory = $true)]
        $jsonCycle,

        [Parameter(Mandatory = $true)]
        $Answer
    )
    $mitigations = @(foreach ($jsonMitigation in @($jsonCycle.mitigations | Where-Object { $_ })) {
            ConvertTo-Mitigation -jsonMitigation $jsonMitigation -Answer $Answer
        })
    $files = @(foreach ($jsonFile in @($jsonCycle.files | Where-Object { $_ })) {
            [pscustomobject]@{
                PSTypeName = 'Stopgap.File'
                Path       = $jsonFile.path
                Change     = $jsonFile.change
                Diff       = $jsonFile.diff
            }
        })
    $check = [pscustomobject]@{
        PSTypeName  = 'Stopgap.Check'
        Server      = $Answer.Server
        DryRun      = [bool]$jsonCycle.dry_run
        Changed     = [bool]$jsonCycle.changed
        Files       = $files
        Mitigations = $mitigations
        Halted      = $jsonCycle.halted
    }
    Add-ComputerName -Object $check -Answer $Answer
}
