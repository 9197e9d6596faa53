//! Programs that tests and benches use and a fresh machine may lack.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program, the Debian package that it needs, and what needs it.
pub(crate) struct Tool {
    /// Its name, or the path of a file where it is no program.
    program: &'static str,
    package: &'static str,
    users: &'static str,
}

/// What the tests need.
pub(crate) const OF_TESTS: [Tool; 9] = [
    Tool {
        program: "strace",
        package: "strace",
        users: "a kill at every operation, a full disk (crates/cli/tests/trouble.rs)",
    },
    Tool {
        program: "xmlsec1",
        package: "xmlsec1",
        users: "a second opinion on signed feeds (crates/eocs/tests/forged.rs)",
    },
    Tool {
        program: PYTHON_TUF,
        package: "python3-venv",
        users: "another implementation of TUF (python_tuf.rs in crates/feed/tests and \
                crates/publish/tests)",
    },
    Tool { program: "nginx", package: "nginx", users: "every test that runs nginx" },
    Tool { program: "apache2", package: "apache2", users: "every test that runs Apache" },
    Tool { program: "haproxy", package: "haproxy", users: "every test that runs HAProxy" },
    Tool { program: "openssl", package: "openssl", users: "sites with TLS (crates/host/tests)" },
    Tool {
        program: "/lib/systemd/systemd",
        package: "systemd",
        users: "every test in a throwaway host (crates/testkit/src/throwaway)",
    },
    Tool {
        program: "dbus-daemon",
        package: "dbus",
        users: "every test in a throwaway host (crates/testkit/src/throwaway)",
    },
];

/// What building and testing for Windows needs.
pub(crate) const OF_WINDOWS: [Tool; 2] = [
    Tool { program: "mmdebstrap", package: "mmdebstrap", users: "Wine in a root of its own" },
    Tool {
        program: "x86_64-w64-mingw32-gcc",
        package: "gcc-mingw-w64-x86-64",
        users: "every program for Windows",
    },
];

/// What the benches need beside it.
pub(crate) const OF_BENCHES: [Tool; 4] = [
    Tool { program: "nginx", package: "nginx", users: "what rules cost on nginx" },
    Tool { program: "wrk", package: "wrk", users: "what rules cost on nginx" },
    Tool {
        program: "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so",
        package: "libnginx-mod-http-modsecurity",
        users: "what ModSecurity costs on nginx",
    },
    Tool {
        program: "/usr/share/modsecurity-crs/owasp-crs.load",
        package: "modsecurity-crs",
        users: "what ModSecurity costs on nginx",
    },
];

/// Not a program but a library, with a Python of its own in `target/python-tuf`.
const PYTHON_TUF: &str = "python-tuf";

/// What pip installs there: the library, and the keys that its tests make.
const PYTHON_PACKAGES: &str = "tuf==7.0.1\nsecuresystemslib[crypto]==1.6.0\n";

/// Installs what is missing of `tools` where that is possible (Debian, as root); answers what stays
/// missing.
pub(crate) fn install_missing(tools: &'static [Tool]) -> Vec<&'static Tool> {
    let missing: Vec<_> = tools.iter().filter(|tool| !tool.is_there()).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    for tool in &missing {
        println!("installing {} …", tool.package);
    }
    {
        let _policy = NoStart::new();
        let _ = run("apt-get", &["update", "-qq"]);
        let mut arguments = vec!["install", "-qq", "-y", "--no-install-recommends"];
        arguments.extend(missing.iter().map(|tool| tool.package));
        let _ = run("apt-get", &arguments);
    }
    if missing.iter().any(|tool| tool.program == PYTHON_TUF) {
        let _ = install_python_packages(&python_folder(), PYTHON_PACKAGES);
    }
    missing.into_iter().filter(|tool| !tool.is_there()).collect()
}

/// A line for each tool that is missing: what was skipped for want of it.
pub(crate) fn skipped(missing: &[&Tool]) -> Vec<String> {
    missing
        .iter()
        .map(|tool| format!("skipped for want of {}: {}", tool.program, tool.users))
        .collect()
}

impl Tool {
    fn is_there(&self) -> bool {
        if self.program == PYTHON_TUF {
            let python = python_folder().join("bin/python").into_os_string().into_string();
            let import = "import tuf.ngclient, cryptography";
            return python.is_ok_and(|python| run(&python, &["-c", import]).is_some());
        }
        let path = std::env::var("PATH").unwrap_or_default();
        // Servers are where the path of a user who is not root does not lead.
        let mut folders = path.split(':').chain(["/usr/sbin"]);
        folders.any(|folder| Path::new(folder).join(self.program).is_file())
    }
}

/// While this is there, packages that are installed start no service: the tests start servers of
/// their own, and a machine's ports are its owner's. A policy that is there already stays.
struct NoStart(Option<&'static str>);

impl NoStart {
    /// What Debian's `invoke-rc.d` asks before it starts anything.
    const POLICY: &str = "/usr/sbin/policy-rc.d";

    fn new() -> Self {
        if Path::new(Self::POLICY).exists() {
            return Self(None);
        }
        // 101 is "action forbidden by policy".
        let written = fs::write(Self::POLICY, "#!/bin/sh\nexit 101\n")
            .and_then(|()| fs::set_permissions(Self::POLICY, fs::Permissions::from_mode(0o755)));
        Self(written.is_ok().then_some(Self::POLICY))
    }
}

impl Drop for NoStart {
    fn drop(&mut self) {
        if let Some(policy) = self.0 {
            let _ = fs::remove_file(policy);
        }
    }
}

/// Makes a Python of its own in `folder` with the packages that `requirements` names, one a line.
pub(crate) fn install_python_packages(folder: &Path, requirements: &str) -> Option<()> {
    let _policy = NoStart::new();
    if run("python3", &["-c", "import venv, ensurepip"]).is_none() {
        let _ = run("apt-get", &["update", "-qq"]);
        run("apt-get", &["install", "-qq", "-y", "--no-install-recommends", "python3-venv"])?;
    }
    let name = folder.to_str()?;
    run("python3", &["-m", "venv", "--clear", name])?;
    let list = folder.join("requirements.txt");
    fs::write(&list, requirements).ok()?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    let python = format!("{name}/bin/python");
    run(&python, &[pip.as_slice(), &[list.to_str()?]].concat())
}

/// Where the tests look for it too: `stopgap_testkit::python_tuf`.
fn python_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target").join(PYTHON_TUF)
}

fn run(program: &str, arguments: &[&str]) -> Option<()> {
    let mut command = Command::new(program);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    command.status().ok()?.success().then_some(())
}
