@{
    RootModule           = 'Stopgap.psm1'
    ModuleVersion        = '0.1.0'
    GUID                 = '5f0c7d8e-3b1a-4c57-9a41-7d1e0a6b92c4'
    Author               = 'The Stopgap authors'
    Copyright            = 'The Stopgap authors. MIT or Apache-2.0, as you choose.'
    Description          = 'Shows and steers the emergency mitigations of Stopgap on this server and on others.'
    PowerShellVersion    = '5.1'
    CompatiblePSEditions = @('Desktop', 'Core')
    FormatsToProcess     = @('Formats/Stopgap.Format.ps1xml')
    FunctionsToExport    = @(
        'Block-Mitigation'
        'Export-Mitigation'
        'Get-Mitigation'
        'Get-MitigationOrganization'
        'Get-MitigationServer'
        'Invoke-MitigationCheck'
        'Remove-Mitigation'
        'Repair-Mitigation'
        'Set-MitigationOrganization'
        'Set-MitigationServer'
        'Test-MitigationServiceConnectivity'
        'Unblock-Mitigation'
    )
    CmdletsToExport      = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
    PrivateData          = @{
        PSData = @{
            Tags = @('Exchange', 'IIS', 'Security', 'Mitigation')
        }
    }
}
