<#
.SYNOPSIS
    Shows each mitigation with its id, type, description and status, as the script of this name in Exchange does.

.DESCRIPTION
    Status is Applied, Blocked or Failed as in Exchange, and otherwise what Get-Mitigation says.

.PARAMETER Identity
    The servers to ask, over PowerShell remoting. Default: this server.

.PARAMETER ExportCSV
    Writes the table to this file as well.

.EXAMPLE
    .\Get-Mitigations.ps1

.EXAMPLE
    .\Get-Mitigations.ps1 -Identity EX1, EX2

.EXAMPLE
    .\Get-Mitigations.ps1 -ExportCSV C:\temp\mitigations.csv
#>
[CmdletBinding()]
param(
    [Parameter(Position = 0)]
    [string[]]$Identity,

    [string]$ExportCSV
)
if (-not (Get-Module -Name Stopgap)) {
    Import-Module -Name (Join-Path (Split-Path -Parent $PSScriptRoot) 'Stopgap.psd1')
}
$mitigations = @(Get-Mitigation -ComputerName $Identity)
$sorted = $mitigations | Sort-Object -Property @('Server', 'Id')
foreach ($mitigation in @($sorted)) {
    [pscustomobject]@{
        Server      = $mitigation.Server
        Id          = $mitigation.Id
        Type        = @($mitigation.Type) -join ', '
        Description = $mitigation.Description
        Status      = $mitigation.Status
    }
}
if ($ExportCSV) { $null = $mitigations | Export-Mitigation -Path $ExportCSV }
