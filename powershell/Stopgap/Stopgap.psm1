# Options for a trial on the files of another server, as in
#     Import-Module ./Stopgap -ArgumentList @{ Root = '/mnt/exchange'; State = '/tmp/state' }
# Root, State, Policy: what the program is given as --root, --state, --policy. Program: the program itself.
param(
    [hashtable]$Options = @{}
)

# What the program leaves out of an object is read as nothing, whatever the session is set to.
Set-StrictMode -Off

$script:Settings = @{}
foreach ($name in $Options.Keys) {
    if (@('Program', 'Root', 'State', 'Policy') -notcontains $name) {
        throw "Stopgap has no option '$name'. The options are Program, Root, State and Policy."
    }
    # The program is started in a folder of its own, so a path that counts from here is made whole now.
    $script:Settings[$name] = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Options[$name])
}

foreach ($folder in @('Private', 'Public')) {
    foreach ($file in Get-ChildItem -LiteralPath (Join-Path $PSScriptRoot $folder) -Filter '*.ps1') {
        . $file.FullName
    }
}
