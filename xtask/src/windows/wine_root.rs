//! A root of Debian 13 with Wine 10. Debian 12's Wine lacks `bcryptprimitives.dll`, which the standard
//! library of Rust needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cache::Cache;
use super::command::run;
use super::namespaces;

/// The name under which it is kept. The number grows when this file makes it in another way.
const NAME: &str = "wine-trixie-1";
const SUITE: &str = "trixie";
/// Where newer standard libraries are.
const BACKPORTS: &str = "deb http://deb.debian.org/debian trixie-backports main\n";

/// The root, made if it is not there.
pub(super) fn ready(cache: &Cache) -> Result<PathBuf, String> {
    Ok(cache.kept(NAME, make)?.join("root"))
}

fn make(folder: &Path) -> Result<(), String> {
    let (tar, root) = (folder.join("root.tar"), folder.join("root"));
    run(Command::new("mmdebstrap")
        .args(["--variant=apt", "--include=wine64,wine,ca-certificates"])
        .arg("--aptopt=APT::Install-Recommends \"false\"")
        .args([SUITE.as_ref(), tar.as_os_str()]))?;
    let failed = |error: std::io::Error| format!("{}: {error}", root.display());
    fs::create_dir(&root).map_err(failed)?;
    run(Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(&root))?;
    fs::remove_file(&tar).map_err(failed)?;
    fs::write(root.join("etc/hosts"), "127.0.0.1 localhost\n").map_err(failed)?;
    fs::copy("/etc/resolv.conf", root.join("etc/resolv.conf")).map_err(failed)?;
    fs::write(root.join("etc/apt/sources.list.d/backports.list"), BACKPORTS).map_err(failed)?;
    // The first start of Wine makes its disk, in some seconds. Each run begins with this one.
    namespaces::in_root(&root, "wine wineboot --init && wineserver --wait && wine --version")
}
