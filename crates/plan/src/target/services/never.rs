//! The services that are never disabled or stopped, whatever a document says: without them the machine is
//! not reached, does not start, or does not tell what happens on it. The list is closed: neither policy nor
//! feed adds to it or takes from it.

/// Services by pattern, where one `*` stands for any characters, with why they are left alone. Case does
/// not count.
type Names = (&'static str, &'static [&'static str]);

/// The kinds of units that can be disabled. A target, a mount or a slice is the machine's own frame.
const KINDS: [&str; 4] = ["service", "socket", "timer", "path"];

/// The units of Linux, without what says their kind.
const UNITS: [Names; 8] = [
    (
        "it is a part of systemd, which runs the machine",
        &["systemd-*", "initrd-*", "init", "user@*"],
    ),
    (
        "other services reach each other over D-Bus",
        &["dbus", "dbus-broker", "dbus-org.freedesktop.*1"],
    ),
    (
        "administrators reach the machine by it",
        &[
            "ssh",
            "ssh@*",
            "sshd",
            "sshd@*",
            "sshd-*",
            "dropbear",
            "dropbear@*",
            "cockpit",
            "cockpit-*",
            "qemu-guest-agent",
            "open-vm-tools",
            "vmtoolsd",
            "walinuxagent",
            "waagent",
            "cloud-*",
            "amazon-ssm-agent",
            "google-guest-agent",
            "hv-*",
        ],
    ),
    (
        "the network needs it",
        &[
            "networkmanager*",
            "networking",
            "network",
            "wicked*",
            "dhcpcd*",
            "dhclient*",
            "connman",
            "wpa_supplicant*",
            "iwd",
            "netplan-*",
            "ifup@*",
            "ifupdown-*",
            "nftables",
            "iptables",
            "ip6tables",
            "netfilter-persistent",
            "firewalld",
            "ufw",
            "resolvconf",
            "wg-quick@*",
        ],
    ),
    (
        "logging in needs it",
        &[
            "getty@*",
            "serial-getty@*",
            "console-getty",
            "container-getty@*",
            "autovt@*",
            "polkit",
            "polkitd",
            "sssd*",
            "nslcd",
            "nscd",
            "winbind",
            "elogind",
            "emergency",
            "rescue",
            "user-runtime-dir@*",
            "accounts-daemon",
        ],
    ),
    (
        "what happens on the machine is written down by it",
        &["rsyslog", "syslog", "syslog-ng", "auditd"],
    ),
    (
        "the machine's disks need it",
        &[
            "lvm2-*",
            "dm-event",
            "multipathd",
            "iscsid",
            "open-iscsi",
            "iscsi",
            "iscsi-*",
            "mdadm*",
            "mdmonitor*",
            "zfs-*",
            "blk-availability",
            "drbd*",
            "cryptsetup*",
            "fstrim",
            "udev",
        ],
    ),
    ("it is Stopgap itself, which gives everything back", &["stopgap", "stopgap-*"]),
];

/// The services of Windows, by their own names.
const WINDOWS: [Names; 7] = [
    (
        "the service control manager and most services need it",
        &[
            "rpcss",
            "rpceptmapper",
            "dcomlaunch",
            "brokerinfrastructure",
            "systemeventsbroker",
            "lsm",
            "plugplay",
            "power",
            "winmgmt",
            "eventsystem",
            "schedule",
            "gpsvc",
            "trustedinstaller",
            "coremessagingregistrar",
            "staterepository",
        ],
    ),
    ("what happens on the machine is written down by it", &["eventlog", "wecsvc"]),
    (
        "the network needs it",
        &[
            "dhcp",
            "dnscache",
            "nsi",
            "nlasvc",
            "netprofm",
            "netman",
            "iphlpsvc",
            "tcpip",
            "bfe",
            "mpssvc",
            "lanmanworkstation",
            "winhttpautoproxysvc",
        ],
    ),
    (
        "logging on needs it",
        &[
            "samss",
            "netlogon",
            "keyiso",
            "profsvc",
            "usermanager",
            "ntds",
            "kdc",
            "adws",
            "w32time",
            "cryptsvc",
            "vaultsvc",
            "cdpsvc",
        ],
    ),
    (
        "administrators reach the machine by it",
        &[
            "termservice",
            "winrm",
            "sshd",
            "sessionenv",
            "umrdpservice",
            "vmicheartbeat",
            "vmicshutdown",
        ],
    ),
    (
        "it protects the machine or brings the fix",
        &["windefend", "wdnissvc", "sense", "wuauserv", "usosvc", "bits", "msiserver", "wscsvc"],
    ),
    ("it is Stopgap itself, which gives everything back", &["stopgap"]),
];

/// Returns why a service is never disabled or stopped, if so.
pub(crate) fn never(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let (stem, kind) = match name.rsplit_once('.') {
        Some((stem, kind)) if is_kind_of_unit(kind) => (stem, Some(kind)),
        _ => (name.as_str(), None),
    };
    match kind {
        Some(kind) if !KINDS.contains(&kind) => {
            Some("it is no service, but a part of the machine's frame")
        }
        Some(_) => listed(&UNITS, stem),
        None => listed(&WINDOWS, stem).or_else(|| listed(&UNITS, stem)),
    }
}

fn is_kind_of_unit(word: &str) -> bool {
    const OTHERS: [&str; 8] =
        ["target", "mount", "automount", "swap", "slice", "scope", "device", "snapshot"];
    KINDS.contains(&word) || OTHERS.contains(&word)
}

fn listed(list: &[Names], name: &str) -> Option<&'static str> {
    let has = |(_, names): &&Names| names.iter().any(|pattern| fits(pattern, name));
    list.iter().find(has).map(|(why, _)| *why)
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| rest.ends_with(tail)),
    }
}

#[cfg(test)]
mod tests {
    use super::never;

    #[test]
    fn what_the_machine_stands_on_is_never_disabled() {
        for name in [
            "systemd-journald.service",
            "systemd-logind.service",
            "systemd-networkd.socket",
            "-.slice",
            "multi-user.target",
            "home.mount",
            "init.scope",
            "user@1000.service",
            "dbus.service",
            "dbus.socket",
            "dbus-broker.service",
            "ssh.service",
            "sshd.service",
            "ssh.socket",
            "sshd@0-10.0.0.1.service",
            "NetworkManager.service",
            "networking.service",
            "rsyslog.service",
            "getty@tty1.service",
            "lvm2-lvmpolld.socket",
            "stopgap.service",
            "stopgap.timer",
            "RpcSs",
            "DcomLaunch",
            "EventLog",
            "Dhcp",
            "Netlogon",
            "SamSs",
            "TermService",
            "wuauserv",
            "Stopgap",
            "STOPGAP",
            "sshd",
        ] {
            assert!(never(name).is_some(), "{name} may be disabled");
        }
    }

    #[test]
    fn what_a_mitigation_is_about_may_be_disabled() {
        for name in [
            "cups-browsed.service",
            "cups.service",
            "cups.socket",
            "avahi-daemon.service",
            "rpcbind.socket",
            "Spooler",
            "MSExchangeUM",
            "MSExchangeUMCR",
            "WebClient",
            "apache2.service",
            "smbd.service",
            "foo@dbus.service",
            "mysshd.service",
            "man-db.timer",
            "MSExchange.Service",
            "dbus-org.freedesktop.Avahi.service",
        ] {
            assert_eq!(never(name), None, "{name}");
        }
    }
}
