function Remove-Mitigation {
    <#
    .SYNOPSIS
        Takes mitigations out now, and keeps them out.

    .DESCRIPTION
        Removes what is in place and blocks the mitigation in the same step, so that the next check does not apply
        it again. With -Once it is not blocked. Returns each mitigation as it stands afterwards; what could not be
        taken out gives an error whose id is the code of the reason (docs/reasons.md).

        Until the vendor's update is installed, the server is not protected any more.

    .PARAMETER Id
        The ids of the mitigations, such as M1.

    .PARAMETER Once
        Do not block: the next check may apply them again.

    .PARAMETER Reason
        Why, for the audit trail.

    .PARAMETER ComputerName
        The servers, over PowerShell remoting, all at once. Default: this server, or the one that an object from the
        pipeline came from.

    .EXAMPLE
        Remove-Mitigation -Id M2 -Reason 'breaks inline images'

        Removes a mitigation from this server and blocks it, after asking.

    .EXAMPLE
        Get-Mitigation -Id M2 -ComputerName EX1, EX2 | Remove-Mitigation -Confirm:$false

        Removes it from two servers without asking.

    .OUTPUTS
        Stopgap.Mitigation

    .LINK
        Block-Mitigation
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
    [OutputType('Stopgap.Mitigation')]
    param(
        [Parameter(Mandatory = $true, Position = 0, ValueFromPipeline = $true, ValueFromPipelineByPropertyName = $true)]
        [ValidatePattern('\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z')]
        [string[]]$Id,

        [switch]$Once,

        [ValidatePattern('\A[^\p{Cc}]{0,500}\z')]
        [string]$Reason,

        [Parameter(ValueFromPipelineByPropertyName = $true)]
        [Alias('PSComputerName')]
        [string[]]$ComputerName
    )
    begin {
        $work = [ordered]@{}
        $what = if ($Once) { 'Remove' } else { 'Remove and block' }
    }
    process {
        foreach ($one in $Id) {
            if ($PSCmdlet.ShouldProcess((Get-TargetName -Id $one -ComputerName $ComputerName), $what)) {
                Add-MitigationWork -Work $work -Id $one -ComputerName $ComputerName
            }
        }
    }
    end {
        $options = @(Get-ReasonOption -Reason $Reason)
        if ($Once) { $options += '--once' }
        foreach ($part in @(Split-MitigationWork -Work $work)) {
            $on = $part.ComputerName
            foreach ($answer in @(Invoke-Stopgap -Command 'remove' -Option $options -Id $part.Ids -ComputerName $on -Caller $PSCmdlet)) {
                Out-Cycle -jsonCycle $answer.Json -Answer $answer -Caller $PSCmdlet
            }
        }
    }
}
