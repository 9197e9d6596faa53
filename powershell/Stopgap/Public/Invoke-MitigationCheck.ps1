function Invoke-MitigationCheck {
    <#
    .SYNOPSIS
        Runs a check now: identify, decide, apply, verify, withdraw.

    .DESCRIPTION
        What the service does each hour. With -WhatIf nothing is changed, and the object that is returned has every
        file that a check would change, with the difference.

    .PARAMETER Id
        Only these mitigations. Default: all.

    .PARAMETER ComputerName
        The servers, over PowerShell remoting, all at once. Default: this server.

    .EXAMPLE
        (Invoke-MitigationCheck -WhatIf).Files | Format-List

        Shows what a check would change on this server.

    .EXAMPLE
        Invoke-MitigationCheck -ComputerName EX1, EX2

        Runs a check on two servers at once.

    .OUTPUTS
        Stopgap.Check

    .LINK
        Repair-Mitigation
    #>
    [CmdletBinding(SupportsShouldProcess = $true)]
    [OutputType('Stopgap.Check')]
    param(
        [Parameter(Position = 0)]
        [ValidatePattern('\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z')]
        [string[]]$Id,

        [Parameter(ValueFromPipelineByPropertyName = $true)]
        [Alias('PSComputerName', 'Fqdn')]
        [string[]]$ComputerName
    )
    begin {
        $servers = @()
    }
    process {
        $agreed = $PSCmdlet.ShouldProcess((Get-TargetName -ComputerName $ComputerName), 'Check')
        # Whoever answers "no" wants nothing; whoever asks "what if" wants to see it.
        if ($agreed -or $WhatIfPreference) { $servers += @(Get-ServerName -ComputerName $ComputerName) }
    }
    end {
        if ($servers.Count -eq 0) { return }
        $options = @()
        if ($WhatIfPreference) { $options += '--dry-run' }
        foreach ($answer in @(Invoke-Stopgap -Command 'check' -Option $options -Id $Id -ComputerName $servers -Caller $PSCmdlet)) {
            ConvertTo-Check -jsonCycle $answer.Json -Answer $answer
            Write-TroubleError -jsonCycle $answer.Json -Server $answer.Server -Caller $PSCmdlet
        }
    }
}
