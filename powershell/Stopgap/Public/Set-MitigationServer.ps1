function Set-MitigationServer {
    <#
    .SYNOPSIS
        Switches automatic mitigation on or off for servers, and sets which mitigations are blocked there.

    .DESCRIPTION
        The counterpart of Set-ExchangeServer -MitigationsEnabled -MitigationsBlocked. Each decision holds as soon
        as it is made, whatever else runs on the server, and is written to the audit trail.

        -MitigationsBlocked is the whole list, as in EM: what is not in it is unblocked. Only what was blocked by a
        command can be unblocked here; what the policy file or the organisation blocks stays blocked, with a
        warning. Blocking removes nothing: use Remove-Mitigation for that.

    .PARAMETER ComputerName
        The servers, over PowerShell remoting, one after the other. Default: this server.

    .PARAMETER MitigationsEnabled
        The server's switch. $false: nothing is applied or withdrawn any more, and what is in place stays.

    .PARAMETER MitigationsBlocked
        The ids of all mitigations that must not be applied. @() unblocks all.

    .PARAMETER Reason
        Why, for the audit trail.

    .EXAMPLE
        Set-MitigationServer -MitigationsBlocked M1, M2 -Reason 'breaks the print server'

        Blocks two mitigations on this server, and unblocks all others.

    .EXAMPLE
        Set-MitigationServer -MitigationsBlocked @()

        Unblocks everything on this server.

    .EXAMPLE
        Set-MitigationServer -ComputerName EX1, EX2 -MitigationsEnabled $false

        Switches automatic mitigation off on two servers.

    .OUTPUTS
        Stopgap.Server

    .LINK
        Get-MitigationServer
    #>
    [CmdletBinding(SupportsShouldProcess = $true)]
    [OutputType('Stopgap.Server')]
    param(
        [Parameter(Position = 0, ValueFromPipelineByPropertyName = $true)]
        [Alias('Identity', 'PSComputerName', 'Fqdn')]
        [string[]]$ComputerName,

        [bool]$MitigationsEnabled,

        [AllowEmptyCollection()]
        [ValidatePattern('\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z')]
        [string[]]$MitigationsBlocked,

        [ValidatePattern('\A[^\p{Cc}]{0,500}\z')]
        [string]$Reason
    )
    process {
        $names = @($ComputerName | Where-Object { $_ })
        # Each server by itself: what is blocked differs from one to the next.
        if ($names.Count -eq 0) { $names = @('') }
        $why = @(Get-ReasonOption -Reason $Reason)
        foreach ($name in $names) {
            $on = @($name | Where-Object { $_ })
            $target = Get-TargetName -ComputerName $on
            if ($PSBoundParameters.ContainsKey('MitigationsEnabled') -and -not $MitigationsEnabled) {
                if ($PSCmdlet.ShouldProcess($target, 'Switch automatic mitigation off')) {
                    $null = Invoke-Stopgap -Command 'disable' -Option $why -ComputerName $on -Caller $PSCmdlet
                }
            }
            if ($PSBoundParameters.ContainsKey('MitigationsBlocked')) {
                $wanted = @($MitigationsBlocked | Where-Object { $_ })
                foreach ($answer in @(Invoke-Stopgap -Command 'status' -ComputerName $on -Caller $PSCmdlet)) {
                    $blocks = @(ConvertTo-Block -jsonStatus $answer.Json)
                    $ours = @(foreach ($block in $blocks) { if ($block.Origin -eq 'command') { $block.Id } })
                    $more = @($wanted | Where-Object { $ours -notcontains $_ } | Select-Object -Unique)
                    $less = @($ours | Where-Object { $wanted -notcontains $_ })
                    # The stricter part first.
                    if ($more.Count -gt 0 -and $PSCmdlet.ShouldProcess($target, "Block $($more -join ', ')")) {
                        $null = Invoke-Stopgap -Command 'block' -Option $why -Id $more -ComputerName $on -Caller $PSCmdlet
                    }
                    if ($less.Count -gt 0 -and $PSCmdlet.ShouldProcess($target, "Unblock $($less -join ', ')")) {
                        $null = Invoke-Stopgap -Command 'unblock' -Option $why -Id $less -ComputerName $on -Caller $PSCmdlet
                    }
                    foreach ($block in $blocks) {
                        if ($block.Origin -ne 'command' -and $wanted -notcontains $block.Id) {
                            $PSCmdlet.WriteWarning("$($block.Id) stays blocked on ${target}: by $($block.By)")
                        }
                    }
                }
            }
            if ($PSBoundParameters.ContainsKey('MitigationsEnabled') -and $MitigationsEnabled) {
                if ($PSCmdlet.ShouldProcess($target, 'Switch automatic mitigation on')) {
                    $null = Invoke-Stopgap -Command 'enable' -Option $why -ComputerName $on -Caller $PSCmdlet
                }
            }
            foreach ($answer in @(Invoke-Stopgap -Command 'status' -ComputerName $on -Caller $PSCmdlet)) {
                ConvertTo-Server -jsonStatus $answer.Json -Answer $answer
            }
        }
    }
}
