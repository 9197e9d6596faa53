function Get-MitigationOrganization {
    <#
    .SYNOPSIS
        Shows what holds for all servers of the organisation, as this server or others have it.

    .DESCRIPTION
        The counterpart of Get-OrganizationConfig | Format-List MitigationsEnabled. Stopgap keeps nothing in Active
        Directory: the organisation's word is in the policy of its feed, and in [organisation] of a server's policy
        file. Each server says what it has of that.

    .PARAMETER ComputerName
        The servers to ask, over PowerShell remoting, all at once. Default: this server.

    .EXAMPLE
        Get-MitigationOrganization

        Shows the organisation's switch and what the organisation blocks.

    .EXAMPLE
        Get-MitigationOrganization -ComputerName EX1, EX2 | Group-Object MitigationsEnabled

        Finds servers that have not got the organisation's last word yet.

    .OUTPUTS
        Stopgap.Organization

    .LINK
        Set-MitigationOrganization
    #>
    [CmdletBinding()]
    [OutputType('Stopgap.Organization')]
    param(
        [Parameter(Position = 0, ValueFromPipelineByPropertyName = $true)]
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
        if ($servers.Count -eq 0) { return }
        foreach ($answer in @(Invoke-Stopgap -Command 'status' -ComputerName $servers -Caller $PSCmdlet)) {
            ConvertTo-Organization -jsonStatus $answer.Json -Answer $answer
        }
    }
}
