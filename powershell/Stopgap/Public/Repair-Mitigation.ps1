function Repair-Mitigation {
    <#
    .SYNOPSIS
        Applies mitigations again now.

    .DESCRIPTION
        The counterpart of starting EM's service again, or of Repair-CsMitigation. Also for a mitigation that somebody
        changed while the policy says to report that only, and for one whose last try failed. Returns each mitigation
        as it stands afterwards; one that is not in place gives an error whose id is the code of the reason
        (docs/reasons.md). A blocked mitigation is not applied: unblock it first.

    .PARAMETER Id
        The ids of the mitigations, such as M1.

    .PARAMETER ComputerName
        The servers, over PowerShell remoting, all at once. Default: this server, or the one that an object from the
        pipeline came from.

    .EXAMPLE
        Repair-Mitigation -Id M1

        Applies a mitigation again on this server.

    .EXAMPLE
        Get-Mitigation -State drifted, failed -ComputerName EX1, EX2 | Repair-Mitigation

        Applies again what somebody changed or what failed, on two servers.

    .OUTPUTS
        Stopgap.Mitigation

    .LINK
        Invoke-MitigationCheck
    #>
    [CmdletBinding(SupportsShouldProcess = $true)]
    [OutputType('Stopgap.Mitigation')]
    param(
        [Parameter(Mandatory = $true, Position = 0, ValueFromPipeline = $true, ValueFromPipelineByPropertyName = $true)]
        [ValidatePattern('\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z')]
        [string[]]$Id,

        [Parameter(ValueFromPipelineByPropertyName = $true)]
        [Alias('PSComputerName')]
        [string[]]$ComputerName
    )
    begin {
        $work = [ordered]@{}
    }
    process {
        foreach ($one in $Id) {
            if ($PSCmdlet.ShouldProcess((Get-TargetName -Id $one -ComputerName $ComputerName), 'Apply again')) {
                Add-MitigationWork -Work $work -Id $one -ComputerName $ComputerName
            }
        }
    }
    end {
        foreach ($part in @(Split-MitigationWork -Work $work)) {
            $on = $part.ComputerName
            foreach ($answer in @(Invoke-Stopgap -Command 'reapply' -Id $part.Ids -ComputerName $on -Caller $PSCmdlet)) {
                Out-Cycle -jsonCycle $answer.Json -Answer $answer -Caller $PSCmdlet
            }
        }
    }
}
