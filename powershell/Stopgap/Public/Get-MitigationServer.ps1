function Get-MitigationServer {
    <#
    .SYNOPSIS
        Shows servers with their switch and what is applied and blocked there.

    .DESCRIPTION
        The counterpart of Get-ExchangeServer | Format-List Name,*Mitigations*. MitigationsEnabled is the server's
        own switch; Enabled is what follows from it and the organisation's. MitigationsApplied has the mitigations
        that were seen to hold whole; MitigationsInPlace also those of which only a part is in place.
        MitigationsBlocked has what an administrator of the server, its policy file or the organisation blocks;
        Blocks says which.

    .PARAMETER ComputerName
        The servers to ask, over PowerShell remoting, all at once. Default: this server.

    .EXAMPLE
        Get-MitigationServer | Format-List Name, *Mitigations*

        Shows the switch, and what is applied and blocked on this server.

    .EXAMPLE
        Get-MitigationServer -ComputerName EX1, EX2, EX3 | Where-Object { -not $_.Enabled }

        Finds servers where nothing is applied.

    .OUTPUTS
        Stopgap.Server

    .LINK
        Set-MitigationServer
    #>
    [CmdletBinding()]
    [OutputType('Stopgap.Server')]
    param(
        [Parameter(Position = 0, ValueFromPipelineByPropertyName = $true)]
        [Alias('Identity', 'PSComputerName', 'Fqdn')]
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
        foreach ($answer in @(Invoke-Stopgap -Command 'status' -ComputerName $servers -Caller $PSCmdlet)) {
            ConvertTo-Server -jsonStatus $answer.Json -Answer $answer
        }
    }
}
