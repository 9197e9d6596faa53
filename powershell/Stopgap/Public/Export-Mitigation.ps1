function Export-Mitigation {
    <#
    .SYNOPSIS
        Writes mitigations into a CSV file for a spreadsheet.

    .DESCRIPTION
        The counterpart of Get-Mitigations.ps1 -ExportCSV. Writes what comes through the pipeline, or else every
        mitigation of the servers that are named. A cell that a spreadsheet would run as a formula begins with an
        apostrophe. The file is UTF-8.

    .PARAMETER Path
        The file. One that is there is replaced.

    .PARAMETER Mitigation
        Objects of Get-Mitigation.

    .PARAMETER ComputerName
        The servers to ask, where nothing comes through the pipeline. Default: this server.

    .EXAMPLE
        Export-Mitigation -Path .\mitigations.csv

        Writes every mitigation of this server.

    .EXAMPLE
        Get-Mitigation -ComputerName EX1, EX2 -State applied | Export-Mitigation -Path .\applied.csv

        Writes what is applied on two servers.

    .OUTPUTS
        System.IO.FileInfo
    #>
    [CmdletBinding(SupportsShouldProcess = $true)]
    [OutputType([System.IO.FileInfo])]
    param(
        [Parameter(Mandatory = $true, Position = 0)]
        [ValidateNotNullOrEmpty()]
        [string]$Path,

        [Parameter(ValueFromPipeline = $true)]
        [PSTypeName('Stopgap.Mitigation')]
        $Mitigation,

        [string[]]$ComputerName
    )
    begin {
        $all = New-Object System.Collections.ArrayList
        $piped = $PSCmdlet.MyInvocation.ExpectingInput
    }
    process {
        foreach ($one in @($Mitigation | Where-Object { $_ })) { [void]$all.Add($one) }
    }
    end {
        if (-not $piped -and $all.Count -eq 0) {
            foreach ($one in @(Get-Mitigation -ComputerName $ComputerName)) { [void]$all.Add($one) }
        }
        $file = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Path)
        if ($PSCmdlet.ShouldProcess($file, 'Write')) {
            $rows = @(foreach ($one in $all) { ConvertTo-Row -Mitigation $one })
            $lines = @($rows | ConvertTo-Csv -NoTypeInformation)
            # Spreadsheets know UTF-8 by its byte order mark.
            [System.IO.File]::WriteAllLines($file, [string[]]$lines, (New-Object System.Text.UTF8Encoding($true)))
            Get-Item -LiteralPath $file
        }
    }
}
