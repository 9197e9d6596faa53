function Block-Mitigation {
    <#
    .SYNOPSIS
        Keeps mitigations from being applied.

    .DESCRIPTION
        The decision holds at once, whatever else runs. What is in place stays: use Remove-Mitigation to take it
        out.

    .PARAMETER Id
        The ids of the mitigations, such as M1.

    .PARAMETER Reason
        Why, for the audit trail.

    .PARAMETER ComputerName
        The servers, over PowerShell remoting, all at once. Default: this server, or the one that an object from the
        pipeline came from.

    .EXAMPLE
        Block-Mitigation -Id M2 -Reason 'breaks Print Calendar'

        Blocks a mitigation on this server.

    .EXAMPLE
        Get-Mitigation -Id M2 -ComputerName EX1, EX2 | Block-Mitigation

        Blocks it on two servers.

    .OUTPUTS
        Stopgap.Decision

    .LINK
        Unblock-Mitigation
    #>
    [CmdletBinding(SupportsShouldProcess = $true)]
    [OutputType('Stopgap.Decision')]
    param(
        [Parameter(Mandatory = $true, Position = 0, ValueFromPipeline = $true, ValueFromPipelineByPropertyName = $true)]
        [ValidatePattern('\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z')]
        [string[]]$Id,

        [ValidatePattern('\A[^\p{Cc}]{0,500}\z')]
        [string]$Reason,

        [Parameter(ValueFromPipelineByPropertyName = $true)]
        [Alias('PSComputerName')]
        [string[]]$ComputerName
    )
    begin {
        $work = [ordered]@{}
    }
    process {
        foreach ($one in $Id) {
            if ($PSCmdlet.ShouldProcess((Get-TargetName -Id $one -ComputerName $ComputerName), 'Block')) {
                Add-MitigationWork -Work $work -Id $one -ComputerName $ComputerName
            }
        }
    }
    end {
        $why = @(Get-ReasonOption -Reason $Reason)
        foreach ($part in @(Split-MitigationWork -Work $work)) {
            $on = $part.ComputerName
            foreach ($answer in @(Invoke-Stopgap -Command 'block' -Option $why -Id $part.Ids -ComputerName $on -Caller $PSCmdlet)) {
                $jsonBlocked = $answer.Json
                ConvertTo-Decision -Ids $jsonBlocked.blocked -Decision 'Blocked' -Running $jsonBlocked.running -Answer $answer
            }
        }
    }
}
