#Requires -Modules @{ ModuleName = 'Pester'; ModuleVersion = '5.3.0' }

# The program is not needed: it answers with what was recorded of it (recorded/, which cargo test keeps true).

BeforeAll {
    Import-Module -Name (Join-Path $PSScriptRoot '../Stopgap/Stopgap.psd1') -Force
    $folder = Join-Path $PSScriptRoot 'recorded'

    # Lets commands of the program answer with recordings, as in @{ list = 'list' }.
    function Use-Recording {
        param(
            [hashtable]$Answers
        )
        $index = Get-Content -LiteralPath (Join-Path $folder 'index.json') -Raw -Encoding UTF8 | ConvertFrom-Json
        $runs = @{}
        foreach ($command in $Answers.Keys) {
            $name = $Answers[$command]
            $runs[$command] = [pscustomobject]@{
                ExitCode  = $index.$name.exit
                Output    = Get-Content -LiteralPath (Join-Path $folder "$name.json") -Raw -Encoding UTF8
                ErrorText = ''
            }
        }
        InModuleScope -ModuleName Stopgap -Parameters @{ Runs = $runs } -ScriptBlock {
            param($Runs)
            $script:TestRuns = $Runs
            Mock -CommandName Invoke-StopgapHere -MockWith { $script:TestRuns[$Argument[1]] }
        }
    }

    # Fails where the program was not run with exactly these arguments, as often as was said.
    function Assert-Run {
        param(
            [string]$Line,
            [int]$Times = 1
        )
        $filter = [scriptblock]::Create("(`$Argument -join '|') -ceq '$Line'")
        Should -Invoke -CommandName Invoke-StopgapHere -ModuleName Stopgap -Times $Times -Exactly -ParameterFilter $filter
    }
}

AfterAll {
    Remove-Module -Name Stopgap -Force
}

Describe 'Get-Mitigation' {
    It 'returns an object for each mitigation' {
        Use-Recording -Answers @{ list = 'list' }
        $all = @(Get-Mitigation)
        $all.Count | Should -BeGreaterThan 5
        $all[0].PSObject.TypeNames | Should -Contain 'Stopgap.Mitigation'
        $one = $all | Where-Object { $_.Id -eq 'M1' }
        $one.State | Should -Be 'applied'
        $one.Status | Should -Be 'Applied'
        $one.Type | Should -Be @('block-request')
        $one.InPlace.Count | Should -BeGreaterThan 0
        $one.PSObject.Properties.Name | Should -Not -Contain 'ComputerName'
    }

    It 'takes patterns and states' {
        Use-Recording -Answers @{ list = 'list' }
        @(Get-Mitigation -Id 'M*').Id | Should -Be @('M1', 'M2')
        @(Get-Mitigation -State not-affected).State | Select-Object -Unique | Should -Be 'not-affected'
        Assert-Run -Line '--json|list' -Times 2
    }

    It 'asks nobody where nothing comes through the pipeline' {
        Use-Recording -Answers @{ list = 'list' }
        @() | Get-Mitigation | Should -BeNullOrEmpty
        Should -Invoke -CommandName Invoke-StopgapHere -ModuleName Stopgap -Times 0 -Exactly
    }

    It 'shows all of one' {
        Use-Recording -Answers @{ show = 'show-M1' }
        $one = Get-Mitigation -Id M1
        $one.Severity | Should -Be 'critical'
        $one.Cves | Should -Contain 'CVE-2022-41040'
        Assert-Run -Line '--json|show|--|M1'
    }

    It 'gives the error of the program, with its hint' {
        Use-Recording -Answers @{ show = 'show-unknown' }
        Get-Mitigation -Id NOSUCH -ErrorAction SilentlyContinue -ErrorVariable fault | Should -BeNullOrEmpty
        $fault[0].FullyQualifiedErrorId | Should -Be 'usage,Get-Mitigation'
        $fault[0].CategoryInfo.Category | Should -Be 'InvalidArgument'
        $fault[0].Exception.Data['ExitCode'] | Should -Be 2
        $fault[0].ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }

    It 'takes no text that is no id' -TestCases @(
        @{ Text = '' }
        @{ Text = '-x' }
        @{ Text = '--root=/' }
        @{ Text = 'M1 M2' }
        @{ Text = 'M1;calc' }
        @{ Text = 'M1"' }
        @{ Text = "M1`n" }
        @{ Text = '../M1' }
        @{ Text = 'a' * 65 }
    ) {
        Use-Recording -Answers @{ list = 'list' }
        { Get-Mitigation -Id $Text } | Should -Throw
        { Block-Mitigation -Id $Text } | Should -Throw
        { Set-MitigationServer -MitigationsBlocked $Text } | Should -Throw
        Should -Invoke -CommandName Invoke-StopgapHere -ModuleName Stopgap -Times 0 -Exactly
    }
}

Describe 'Get-MitigationServer' {
    It 'has the properties that users of EM know' {
        Use-Recording -Answers @{ status = 'status' }
        $server = Get-MitigationServer
        $server.MitigationsEnabled | Should -BeTrue
        $server.MitigationsApplied | Should -Contain 'M1'
        $server.MitigationsBlocked.Count | Should -Be 0
        $server.LastCheck.Kind | Should -Be 'Utc'
        $server.ExchangeVersion | Should -Match '^15\.2\.'
    }

    It 'says who blocks what' {
        Use-Recording -Answers @{ status = 'status-blocked' }
        $server = Get-MitigationServer
        $server.MitigationsBlocked | Sort-Object | Should -Be @('CVE-2021-26855', 'M2')
        ($server.Blocks | Where-Object { $_.Id -eq 'M2' }).Origin | Should -Be 'command'
        (Get-MitigationOrganization).MitigationsBlocked | Should -Be @('CVE-2021-26855')
    }
}

Describe 'Set-MitigationServer' {
    It 'blocks what is new and unblocks what is not in the list' {
        Use-Recording -Answers @{ status = 'status-blocked'; block = 'block'; unblock = 'unblock' }
        $null = Set-MitigationServer -MitigationsBlocked M1 -WarningAction SilentlyContinue -WarningVariable told
        Assert-Run -Line '--json|block|--|M1'
        Assert-Run -Line '--json|unblock|--|M2'
        $told[0].Message | Should -Match 'CVE-2021-26855 stays blocked'
    }

    It 'takes an empty list' {
        Use-Recording -Answers @{ status = 'status-blocked'; unblock = 'unblock' }
        $null = Set-MitigationServer -MitigationsBlocked @() -WarningAction SilentlyContinue
        Assert-Run -Line '--json|unblock|--|M2'
    }

    It 'switches off and on' {
        Use-Recording -Answers @{ status = 'status'; enable = 'enable'; disable = 'disable' }
        $null = Set-MitigationServer -MitigationsEnabled $false -Reason 'a test'
        Assert-Run -Line '--json|disable|--reason=a test'
        $null = Set-MitigationServer -MitigationsEnabled $true
        Assert-Run -Line '--json|enable'
    }

    It 'changes nothing with -WhatIf' {
        Use-Recording -Answers @{ status = 'status-blocked' }
        $null = Set-MitigationServer -MitigationsBlocked M1 -MitigationsEnabled $false -WhatIf -WarningAction SilentlyContinue
        Assert-Run -Line '--json|status' -Times 2
        Should -Invoke -CommandName Invoke-StopgapHere -ModuleName Stopgap -Times 2 -Exactly
    }
}

Describe 'Block-Mitigation, Unblock-Mitigation' {
    It 'asks once for all that comes through the pipeline' {
        Use-Recording -Answers @{ list = 'list'; block = 'block' }
        $null = Get-Mitigation -Id 'M*' | Block-Mitigation -Reason 'breaks "x"'
        Assert-Run -Line '--json|block|--reason=breaks "x"|--|M1|M2'
    }

    It 'takes ids as texts' {
        Use-Recording -Answers @{ unblock = 'unblock' }
        $null = 'M1', 'M2' | Unblock-Mitigation
        Assert-Run -Line '--json|unblock|--|M1|M2'
    }

    It 'keeps a reason that looks like an option a reason' {
        Use-Recording -Answers @{ block = 'block' }
        $null = Block-Mitigation -Id M2 -Reason '--root=/'
        Assert-Run -Line '--json|block|--reason=--root=/|--|M2'
    }

    It 'says who blocks what a command cannot unblock' {
        Use-Recording -Answers @{ unblock = 'unblock-refused' }
        Unblock-Mitigation -Id CVE-2021-26855 -ErrorAction SilentlyContinue -ErrorVariable fault
        $fault[0].Exception.Message | Should -Match 'the policy file, for the organisation'
    }
}

Describe 'Remove-Mitigation, Repair-Mitigation' {
    It 'removes after it was asked' {
        Use-Recording -Answers @{ remove = 'remove' }
        (Remove-Mitigation -Id M2 -Confirm:$false).State | Should -Not -Be 'applied'
        Assert-Run -Line '--json|remove|--|M2'
        $null = Remove-Mitigation -Id M2 -Once -Confirm:$false
        Assert-Run -Line '--json|remove|--once|--|M2'
        Remove-Mitigation -Id M2 -WhatIf | Should -BeNullOrEmpty
        Should -Invoke -CommandName Invoke-StopgapHere -ModuleName Stopgap -Times 2 -Exactly
    }

    It 'gives an error with the code of the reason' {
        Use-Recording -Answers @{ reapply = 'reapply-partial' }
        $one = Repair-Mitigation -Id CVE-2021-26855 -ErrorAction SilentlyContinue -ErrorVariable fault
        $one.State | Should -Be 'partial'
        $action = @($one.Actions | Where-Object { $_.State -eq 'unsupported' })[0]
        $fault[0].FullyQualifiedErrorId | Should -Be "$($action.ReasonCodes[0]),Repair-Mitigation"
        $fault[0].TargetObject.Id | Should -Be 'CVE-2021-26855'
    }

    It 'stops at an error where that was asked for' {
        Use-Recording -Answers @{ reapply = 'reapply-switched-off' }
        { Repair-Mitigation -Id M1 -ErrorAction Stop } | Should -Throw
    }
}

Describe 'Invoke-MitigationCheck' {
    It 'runs a check' {
        Use-Recording -Answers @{ check = 'check' }
        $check = Invoke-MitigationCheck
        $check.Changed | Should -BeTrue
        $check.Files.Count | Should -BeGreaterThan 0
        Assert-Run -Line '--json|check'
    }

    It 'shows with -WhatIf what it would do' {
        Use-Recording -Answers @{ check = 'check-dry-run' }
        $check = Invoke-MitigationCheck -Id M1 -WhatIf
        $check.DryRun | Should -BeTrue
        $check.Files[0].Diff | Should -Match '\+\s*<rule name="Stopgap'
        Assert-Run -Line '--json|check|--dry-run|--|M1'
    }
}

Describe 'Test-MitigationServiceConnectivity' {
    It 'tells success, failure and that there is no feed' {
        Use-Recording -Answers @{ 'test-connectivity' = 'test-connectivity' }
        (Test-MitigationServiceConnectivity).Result | Should -Be 'Success'
        Use-Recording -Answers @{ 'test-connectivity' = 'test-connectivity-failed' }
        $failed = Test-MitigationServiceConnectivity
        $failed.Result | Should -Be 'Failed'
        $failed.Step | Should -Be 'connect'
        Use-Recording -Answers @{ 'test-connectivity' = 'test-connectivity-none' }
        (Test-MitigationServiceConnectivity).Message | Should -Match 'no feed'
    }

    It 'is printed as in Exchange by the script' {
        Use-Recording -Answers @{ 'test-connectivity' = 'test-connectivity' }
        $script = Join-Path $PSScriptRoot '../Stopgap/Scripts/Test-MitigationServiceConnectivity.ps1'
        @(& $script) | Should -Contain 'Result: Success.'
    }
}

Describe 'Export-Mitigation' {
    It 'writes a table that runs nothing' {
        Use-Recording -Answers @{ list = 'list' }
        $file = Join-Path $TestDrive 'list.csv'
        $null = Export-Mitigation -Path $file
        $rows = @(Import-Csv -LiteralPath $file)
        ($rows | Where-Object { $_.Id -eq 'M1' }).Status | Should -Be 'Applied'
        InModuleScope -ModuleName Stopgap -ScriptBlock { ConvertTo-Cell -Text '=1+1' } | Should -Be "'=1+1"
    }

    It 'writes no more than what comes through the pipeline' {
        Use-Recording -Answers @{ list = 'list' }
        $file = Join-Path $TestDrive 'none.csv'
        $null = Get-Mitigation -State failed | Export-Mitigation -Path $file
        @(Import-Csv -LiteralPath $file).Count | Should -Be 0
    }

    It 'is what the script of Exchange writes' {
        Use-Recording -Answers @{ list = 'list' }
        $file = Join-Path $TestDrive 'script.csv'
        $script = Join-Path $PSScriptRoot '../Stopgap/Scripts/Get-Mitigations.ps1'
        $rows = @(& $script -ExportCSV $file)
        ($rows | Where-Object { $_.Id -eq 'M1' }).Status | Should -Be 'Applied'
        Test-Path -LiteralPath $file | Should -BeTrue
    }
}

Describe 'Set-MitigationOrganization' {
    It 'writes what is given and keeps what is not' {
        $file = Join-Path $TestDrive 'policy.toml'
        $null = Set-MitigationOrganization -Path $file -MitigationsBlocked M2
        Get-Content -LiteralPath $file | Should -Be @('enabled = true', 'blocked = ["M2"]')
        $policy = Set-MitigationOrganization -Path $file -MitigationsEnabled $false
        $policy.MitigationsBlocked | Should -Be @('M2')
        Get-Content -LiteralPath $file | Should -Be @('enabled = false', 'blocked = ["M2"]')
    }

    It 'does not touch a file that says more' {
        $file = Join-Path $TestDrive 'policy.toml'
        Set-Content -LiteralPath $file -Value '[server]'
        Set-MitigationOrganization -Path $file -MitigationsEnabled $false -ErrorAction SilentlyContinue -ErrorVariable fault
        $fault.Count | Should -Be 1
        Get-Content -LiteralPath $file | Should -Be '[server]'
    }
}

Describe 'How the program is run' {
    It 'quotes an argument as Windows takes it apart' -TestCases @(
        @{ Text = 'M1'; Expected = 'M1' }
        @{ Text = ''; Expected = '""' }
        @{ Text = 'a b'; Expected = '"a b"' }
        @{ Text = 'a"b'; Expected = '"a\"b"' }
        @{ Text = 'a\"b'; Expected = '"a\\\"b"' }
        @{ Text = 'C:\x\'; Expected = 'C:\x\' }
        @{ Text = 'C:\x y\'; Expected = '"C:\x y\\"' }
        @{ Text = 'a\\b c'; Expected = '"a\\b c"' }
        @{ Text = '"'; Expected = '"\""' }
    ) {
        InModuleScope -ModuleName Stopgap -Parameters @{ Text = $Text } -ScriptBlock {
            param($Text)
            ConvertTo-NativeArgument -Text $Text
        } | Should -BeExactly $Expected
    }

    It 'leaves folders of PATH that count from the current one out' {
        $before = $env:PATH
        try {
            $env:PATH = @('', '.', 'bin', '/opt/x') -join [System.IO.Path]::PathSeparator
            $found = InModuleScope -ModuleName Stopgap -ScriptBlock { Get-ProgramOnPath -Name 'stopgap' -Root '^/' }
            @($found).Count | Should -Be 1
            $found | Should -Match 'x.stopgap$'
        } finally {
            $env:PATH = $before
        }
    }

    It 'reads a time from a text and from a time' {
        $times = InModuleScope -ModuleName Stopgap -ScriptBlock {
            ConvertTo-Time -Value '2026-12-01T01:17:48.483606655Z'
            ConvertTo-Time -Value ([datetime]::new(2026, 12, 1, 1, 17, 48, [System.DateTimeKind]::Utc))
        }
        $times[0].Kind | Should -Be 'Utc'
        $times[0].Hour | Should -Be 1
        $times[1].Hour | Should -Be 1
    }

    It 'reads a dictionary as an object' {
        $one = InModuleScope -ModuleName Stopgap -ScriptBlock {
            ConvertFrom-Dictionary -Value @{ list = @(@{ id = 'M1' }); none = @(); text = 'x' }
        }
        @($one.list).Count | Should -Be 1
        $one.list[0].id | Should -Be 'M1'
        @($one.none).Count | Should -Be 0
    }

    It 'says that a newer program needs a newer module' {
        InModuleScope -ModuleName Stopgap -ScriptBlock {
            Mock -CommandName Invoke-StopgapHere -MockWith {
                [pscustomobject]@{ ExitCode = 0; Output = '{"schema":2}'; ErrorText = '' }
            }
        }
        Get-Mitigation -ErrorAction SilentlyContinue -ErrorVariable fault
        $fault[0].FullyQualifiedErrorId | Should -Be 'newer-schema,Get-Mitigation'
    }

    It 'tells what a program says that prints no JSON' {
        InModuleScope -ModuleName Stopgap -ScriptBlock {
            Mock -CommandName Invoke-StopgapHere -MockWith {
                [pscustomobject]@{ ExitCode = 2; Output = ''; ErrorText = 'error: no such thing' }
            }
        }
        Get-Mitigation -ErrorAction SilentlyContinue -ErrorVariable fault
        $fault[0].Exception.Message | Should -Be 'error: no such thing'
    }

    It 'carries to other servers functions of the module and nothing else' {
        $text = InModuleScope -ModuleName Stopgap -ScriptBlock { (Get-RemoteScript).ToString() }
        $text | Should -Match 'function Invoke-StopgapProcess'
        # What the module knows is not there.
        $text | Should -Not -Match '\$script:'
        { [scriptblock]::Create($text) } | Should -Not -Throw
    }
}

# With the program itself: STOPGAP_TEST_PROGRAM is its path, STOPGAP_TEST_ROOT the folder `server` and
# STOPGAP_TEST_STATE an empty folder beside it, as `stopgap demo --keep` leaves them.
Describe 'With the program' -Skip:(-not $env:STOPGAP_TEST_PROGRAM) {
    BeforeAll {
        $options = @{
            Program = $env:STOPGAP_TEST_PROGRAM
            Root    = $env:STOPGAP_TEST_ROOT
            State   = $env:STOPGAP_TEST_STATE
        }
        Import-Module -Name (Join-Path $PSScriptRoot '../Stopgap/Stopgap.psd1') -ArgumentList $options -Force
    }

    It 'lists, and hands every character of a reason on' {
        @(Get-Mitigation).Count | Should -BeGreaterThan 5
        $reason = 'a "b" c\ \"d\" %PATH% $x ' + [char]0xE4
        $null = Block-Mitigation -Id M2 -Reason $reason
        $block = (Get-MitigationServer).Blocks | Where-Object { $_.Id -eq 'M2' }
        $block.By.EndsWith($reason) | Should -BeTrue
        $null = Unblock-Mitigation -Id M2
    }
}
