function Get-Mitigation {
    <#
    .SYNOPSIS
        Shows the mitigations of this server or of others, each with its state and the reason.

    .DESCRIPTION
        Without -Id, all mitigations of the catalog. With the whole id of one, also what it is for, its side
        effects, its probes and where they were last seen to hold.

        Status is Applied, Blocked or Failed as Exchange's EM service has it, and otherwise the word of the state:
        "Not affected" where the server does not need it, "Covered" where a rule that is not Stopgap's does the
        same, "Partial", "Drifted", "Conflict", "Unsupported", "Pending", "Withdrawn", "Unknown". ReasonCodes are
        explained in docs/reasons.md.

    .PARAMETER Id
        The ids of mitigations, such as M1. `*` and `?` stand for any characters.

    .PARAMETER State
        Only mitigations in these states.

    .PARAMETER ComputerName
        The servers to ask, over PowerShell remoting, all at once. Stopgap has to be installed there; this module
        need not be. Default: this server.

    .EXAMPLE
        Get-Mitigation

        Shows every mitigation on this server.

    .EXAMPLE
        Get-Mitigation -State applied, partial -ComputerName EX1, EX2

        Shows what is in place on two servers.

    .EXAMPLE
        Get-Mitigation -Id M1 | Format-List

        Shows all about one mitigation.

    .EXAMPLE
        Get-ExchangeServer | Get-Mitigation -Id M2

        Shows one mitigation on every Exchange server.

    .OUTPUTS
        Stopgap.Mitigation

    .LINK
        Block-Mitigation

    .LINK
        Repair-Mitigation
    #>
    [CmdletBinding()]
    [OutputType('Stopgap.Mitigation')]
    param(
        [Parameter(Position = 0)]
        [ValidatePattern('\A[A-Za-z0-9*?][A-Za-z0-9._*?-]{0,63}\z')]
        [SupportsWildcards()]
        [string[]]$Id,

        [ValidateSet('unknown', 'conflict', 'failed', 'drifted', 'partial', 'applied', 'covered', 'withdrawn',
            'blocked', 'pending', 'unsupported', 'not-affected')]
        [string[]]$State,

        [Parameter(ValueFromPipelineByPropertyName = $true)]
        [Alias('PSComputerName', 'Fqdn')]
        [string[]]$ComputerName
    )
    begin {
        $servers = @()
    }
    process {
        $servers += @(Get-ServerName -ComputerName $ComputerName)
    }
    end {
        # Nothing came through the pipeline: nobody is asked.
        if ($servers.Count -eq 0) { return }
        $whole = @($Id | Where-Object { $_ -and $_ -notmatch '[*?]' })
        $patterns = @($Id | Where-Object { $_ -match '[*?]' })
        $found = @(
            foreach ($one in $whole) {
                foreach ($answer in @(Invoke-Stopgap -Command 'show' -Id $one -ComputerName $servers -Caller $PSCmdlet)) {
                    $mitigation = ConvertTo-Mitigation -jsonMitigation $answer.Json -Answer $answer
                    Add-MitigationDetail -Mitigation $mitigation -jsonShow $answer.Json
                }
            }
            if ($whole.Count -eq 0 -or $patterns.Count -gt 0) {
                foreach ($answer in @(Invoke-Stopgap -Command 'list' -ComputerName $servers -Caller $PSCmdlet)) {
                    $jsonList = $answer.Json
                    foreach ($jsonMitigation in @($jsonList.mitigations)) {
                        $fits = @($patterns | Where-Object { $jsonMitigation.id -like $_ })
                        if ($patterns.Count -eq 0 -or $fits.Count -gt 0) {
                            ConvertTo-Mitigation -jsonMitigation $jsonMitigation -Answer $answer
                        }
                    }
                }
            }
        )
        foreach ($mitigation in $found) {
            if (-not $State -or $State -contains $mitigation.State) { $mitigation }
        }
    }
}
