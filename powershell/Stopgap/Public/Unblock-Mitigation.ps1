function Unblock-Mitigation {
    <#
    .SYNOPSIS
        Allows mitigations to be applied again, from the next check on.

    .DESCRIPTION
        Ends what Block-Mitigation, Remove-Mitigation or Set-MitigationServer began. What the policy file or the
        organisation blocks is not unblocked here, and gives an error that says who blocks it.

    .PARAMETER Id
        The ids of the mitigations, such as M1.

    .PARAMETER Reason
        Why, for the audit trail.

    .PARAMETER ComputerName
        The servers, over PowerShell remoting, all at once. Default: this server, or the one that an object from the
        pipeline came from.

    .EXAMPLE
        Unblock-Mitigation -Id M2

        Unblocks a mitigation on this server.

    .EXAMPLE
        Get-Mitigation -State blocked | Unblock-Mitigation | Out-Null; Invoke-MitigationCheck

        Unblocks what is blocked, and applies it now where it is needed.

    .OUTPUTS
        Stopgap.Decision

    .LINK
        Block-Mitigation
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
            if ($PSCmdlet.ShouldProcess((Get-TargetName -Id $one -ComputerName $ComputerName), 'Unblock')) {
                Add-MitigationWork -Work $work -Id $one -ComputerName $ComputerName
            }
        }
    }
    end {
        $why = @(Get-ReasonOption -Reason $Reason)
        foreach ($part in @(Split-MitigationWork -Work $work)) {
            $on = $part.ComputerName
            foreach ($answer in @(Invoke-Stopgap -Command 'unblock' -Option $why -Id $part.Ids -ComputerName $on -Caller $PSCmdlet)) {
                $jsonUnblocked = $answer.Json
                ConvertTo-Decision -Ids $jsonUnblocked.unblocked -Decision 'Unblocked' -Running $jsonUnblocked.running -Answer $answer
            }
        }
    }
}
