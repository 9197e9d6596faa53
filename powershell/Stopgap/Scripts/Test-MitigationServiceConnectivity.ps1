<#
.SYNOPSIS
    Prints whether the feeds of mitigations can be reached, as the script of this name in Exchange does.

.EXAMPLE
    .\Test-MitigationServiceConnectivity.ps1

    Result: Success.
    Message: https://mitigations.example answers, everything in it that is new verifies, and it is fresh.
#>
[CmdletBinding()]
param()
if (-not (Get-Module -Name Stopgap)) {
    Import-Module -Name (Join-Path (Split-Path -Parent $PSScriptRoot) 'Stopgap.psd1')
}
foreach ($test in @(Test-MitigationServiceConnectivity)) {
    if ($test.Feed) { "Feed: $($test.Feed)" }
    "Result: $($test.Result)."
    "Message: $($test.Message)"
}
