function Test-MitigationServiceConnectivity {
    <#
    .SYNOPSIS
        Tells whether each feed of mitigations is reachable, verifies and is fresh.

    .DESCRIPTION
        Result is Success or Failed, as in Exchange's script of this name, and Message says why. Step is the step
        that failed: name, proxy, connect, tls, status and so on. A server without a feed has one object that says
        so: it applies what ships with the program, and fetches nothing.

    .PARAMETER Feed
        Only the feed of this name.

    .PARAMETER ComputerName
        The servers, over PowerShell remoting, all at once. Default: this server.

    .EXAMPLE
        Test-MitigationServiceConnectivity

        Tests the feeds of this server.

    .EXAMPLE
        Test-MitigationServiceConnectivity -ComputerName EX1, EX2 | Where-Object Result -ne Success

        Finds servers that do not reach a feed.

    .OUTPUTS
        Stopgap.Connectivity
    #>
    [CmdletBinding()]
    [OutputType('Stopgap.Connectivity')]
    param(
        [Parameter(Position = 0)]
        [ValidatePattern('\A[a-z0-9][a-z0-9-]{0,63}\z')]
        [string]$Feed,

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
        if ($servers.Count -eq 0) { return }
        foreach ($answer in @(Invoke-Stopgap -Command 'test-connectivity' -Id $Feed -ComputerName $servers -Caller $PSCmdlet)) {
            $jsonConnectivity = $answer.Json
            $tests = @($jsonConnectivity.feeds | Where-Object { $_ })
            if ($tests.Count -eq 0) {
                $none = @{
                    Answer  = $answer
                    Good    = [bool]$jsonConnectivity.ok
                    Message = 'There is no feed; nothing is fetched from anywhere.'
                }
                ConvertTo-Connectivity @none
            }
            foreach ($jsonFeedTest in $tests) {
                $one = @{
                    Answer  = $answer
                    Feed    = $jsonFeedTest.name
                    Good    = [bool]$jsonFeedTest.ok
                    Message = $jsonFeedTest.message
                    Step    = $jsonFeedTest.hop
                }
                ConvertTo-Connectivity @one
            }
        }
    }
}
