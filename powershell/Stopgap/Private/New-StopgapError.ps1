# Returns an error. Its id is the code of docs/reasons.md where it is about a mitigation, else what the exit
# code means; its recommended action is what the program says to do.
function New-StopgapError {
    [CmdletBinding()]
    [OutputType([System.Management.Automation.ErrorRecord])]
    param(
        [Parameter(Mandatory = $true)]
        [string]$Message,

        [string]$Hint,

        [string]$Code,

        [int]$ExitCode = 1,

        $Target
    )
    $meaning = switch ($ExitCode) {
        2 { @('usage', 'InvalidArgument') }
        3 { @('refused', 'SecurityError') }
        4 { @('locked', 'ResourceBusy') }
        5 { @('not-permitted', 'PermissionDenied') }
        129 { @('stopped', 'OperationStopped') }
        130 { @('stopped', 'OperationStopped') }
        143 { @('stopped', 'OperationStopped') }
        default { @('failed', 'NotSpecified') }
    }
    if (-not $Code) { $Code = $meaning[0] }
    $exception = New-Object System.InvalidOperationException($Message)
    $exception.Data['Code'] = $Code
    $exception.Data['ExitCode'] = $ExitCode
    $exception.Data['Hint'] = $Hint
    $category = [System.Management.Automation.ErrorCategory]$meaning[1]
    $record = New-Object System.Management.Automation.ErrorRecord($exception, $Code, $category, $Target)
    $record.ErrorDetails = New-Object System.Management.Automation.ErrorDetails($Message)
    if ($Hint) { $record.ErrorDetails.RecommendedAction = $Hint }
    return $record
}

# Writes an error for each mitigation that is not as the command was to make it.
function Write-MitigationError {
    [CmdletBinding()]
    param(
        # An object of Get-Mitigation.
        [Parameter(Mandatory = $true, ValueFromPipeline = $true)]
        $Mitigation,

        [Parameter(Mandatory = $true)]
        [System.Management.Automation.PSCmdlet]$Caller
    )
    process {
        $amiss = @('unknown', 'conflict', 'failed', 'drifted', 'partial', 'unsupported')
        if ($amiss -notcontains $Mitigation.State) { return }
        # What is wrong with one action says more than that something is.
        $codes = @(foreach ($action in $Mitigation.Actions) { if ($amiss -contains $action.State) { $action.ReasonCodes } })
        $fault = @{
            Message = '{0} on {1} is {2}: {3}' -f $Mitigation.Id, $Mitigation.Server, $Mitigation.State, $Mitigation.Reason
            Code    = @($codes + @($Mitigation.ReasonCodes))[0]
            Hint    = 'docs/reasons.md says what to do about each code'
            Target  = $Mitigation
        }
        $Caller.WriteError((New-StopgapError @fault))
    }
}

# Writes an error for each thing that went wrong in a cycle beside the states of mitigations.
function Write-TroubleError {
    [CmdletBinding()]
    param(
        # What `check`, `remove` or `reapply` printed.
        [Parameter(Mandatory = $true)]
        $jsonCycle,

        [string]$Server,

        [Parameter(Mandatory = $true)]
        [System.Management.Automation.PSCmdlet]$Caller
    )
    foreach ($jsonTrouble in @($jsonCycle.troubles | Where-Object { $_ })) {
        $place = if ($jsonTrouble.server) { "$Server, $($jsonTrouble.server)" } else { $Server }
        $fault = @{
            Message = "${place}: $($jsonTrouble.text)"
            Hint    = $jsonTrouble.hint
            Code    = 'trouble'
            Target  = $Server
        }
        $Caller.WriteError((New-StopgapError @fault))
    }
    if ($jsonCycle.halted) { $Caller.WriteWarning("${Server}: ended before all was done: $($jsonCycle.halted)") }
}
