//! Many customers on one nginx: what one of them does with his file costs his site and no other, and
//! what cannot be changed is named, with the reason.
#![cfg(unix)] // nginx, Apache httpd and HAProxy of Unix
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;
#[path = "web_servers/scene.rs"]
mod scene;

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use scene::{Scene, scene};
use stopgap_model::WebKind;
use stopgap_testkit::servers::Setup;

/// The number of a user who is not root.
const CUSTOMER: u32 = 4711;

const HOSTING: Setup<'static> = Setup {
    kind: WebKind::Nginx,
    config: "{basics}http {\n  access_log off;\n  server {\n    listen 127.0.0.1:{port0};\n    \
             server_name shop.test;\n    location / { return 200 \"ok\"; }\n  }\n  \
             include {dir}/sites/*.conf;\n  include {dir}/home/*.conf;\n}\n",
    files: &[(
        "home/deploy.conf",
        "server { listen 127.0.0.1:{port0}; server_name deploy.test; return 200; }\n",
    )],
    arguments: &[],
};

/// Whether a site turns an attack away, and answers everything else.
#[track_caller]
fn is_protected(scene: &Scene, name: &str) -> bool {
    let ask = |target: &str| -> String {
        let mut stream = TcpStream::connect(scene.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: {name}.test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    assert!(ask("/shop").starts_with("HTTP/1.1 200"), "{name} does not answer");
    ask("/x/stopgap-probe").is_empty()
}

impl Scene {
    fn site(&self, name: &str) -> std::path::PathBuf {
        self.dir().join(format!("sites/{name}.conf"))
    }

    /// Makes a site of this name, with something before it in its file.
    fn add(&self, name: &str, before: &[u8]) {
        let block = format!(
            "server {{ listen 127.0.0.1:{{port0}}; server_name {name}.test; return 200; }}\n"
        );
        fs::create_dir_all(self.dir().join("sites")).unwrap();
        let text = [before, self.filled(&block).as_bytes()].concat();
        fs::write(self.site(name), text).unwrap();
    }
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: only root can give files away");
    }
    root
}

/// Gives a file the attribute that keeps it from being changed; answers whether it has it.
fn make_immutable(path: &Path, on: bool) -> bool {
    let file = File::open(path).unwrap();
    let plain = ioctl_getflags(&file).unwrap_or(IFlags::empty()) - IFlags::IMMUTABLE;
    let wanted = if on { plain | IFlags::IMMUTABLE } else { plain };
    ioctl_setflags(&file, wanted).is_ok()
}

#[test]
fn what_one_customer_does_with_his_file_costs_his_site_and_no_other() {
    if !is_root() {
        return;
    }
    let Some(scene) = scene(&HOSTING) else { return };
    for name in ["linked", "kept", "held", "frozen", "plain"] {
        scene.add(name, b"");
    }
    scene.add("comments", &b"# a comment of some forty bytes in each.\n".repeat(17 << 20 >> 5));
    // A chain of 21 includes, with the site at its end.
    scene.add("deep", b"");
    fs::rename(scene.site("deep"), scene.dir().join("deep21")).unwrap();
    for at in 1..21 {
        let next = scene.filled(&format!("include {{dir}}/deep{};\n", at + 1));
        fs::write(scene.dir().join(format!("deep{at}")), next).unwrap();
    }
    fs::write(scene.site("deep"), scene.filled("include {dir}/deep1;\n")).unwrap();
    fs::set_permissions(scene.dir().join("home"), Permissions::from_mode(0o775)).unwrap();
    // What the customers do.
    fs::hard_link(scene.site("linked"), scene.dir().join("second-name")).unwrap();
    chown(scene.site("kept"), Some(CUSTOMER), Some(CUSTOMER)).unwrap();
    fs::set_permissions(scene.site("kept"), Permissions::from_mode(0o444)).unwrap();
    let held = File::open(scene.site("held")).unwrap();
    held.lock().unwrap();
    let is_frozen = make_immutable(&scene.site("frozen"), true);

    let before = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "partial"), "{}", run.out);
    for name in ["shop", "deploy", "comments", "deep", "plain"] {
        assert!(is_protected(&scene, name), "{name} is not protected: {}", run.out);
    }
    let mut bad = vec![
        ("linked", "has more than one name (hard links)"),
        ("kept", "is read-only"),
        ("held", "is locked by another process"),
    ];
    if is_frozen {
        bad.push(("frozen", "is immutable"));
    }
    let reason = run.reason("WEB");
    for (name, why) in &bad {
        assert!(!is_protected(&scene, name), "{name}");
        // The reason names the first ones, the notes all.
        let path = scene.site(name).display().to_string();
        let told = format!("the server block in {path}, line 1 is not reached: {path} {why}");
        assert!(run.out.contains(&told), "no `{told}` in {}", run.out);
    }
    assert!(reason.contains("is not reached"), "{reason}");
    // `status` says the same, and another check finds nothing to do.
    assert_eq!(scene.stopgap(&["status"]).reason("WEB"), reason);
    assert_eq!(scene.stopgap(&["check"]).json()["changed"], false);
    assert_eq!(scene.stopgap(&["remove", "--once", "WEB"]).state("WEB"), "withdrawn");
    assert_eq!(scene.files(), before);

    // Once nothing holds the files any more, they are protected as well.
    drop(held);
    make_immutable(&scene.site("frozen"), false);
    fs::remove_file(scene.dir().join("second-name")).unwrap();
    fs::set_permissions(scene.site("kept"), Permissions::from_mode(0o644)).unwrap();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert!(bad.iter().all(|(name, _)| is_protected(&scene, name)));
}

#[test]
fn a_line_of_ours_that_had_to_stay_is_told_until_a_check_can_take_it_out() {
    let Some(scene) = scene(&HOSTING) else { return };
    scene.add("linked", b"");
    let before = scene.files();
    assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied");
    let second = scene.dir().join("second-name");
    for is_in_the_catalog in [true, false] {
        fs::hard_link(scene.site("linked"), &second).unwrap();
        let run = scene.stopgap(&["remove", "WEB"]);
        assert_eq!((run.code, run.state("WEB").as_str()), (1, "failed"), "{}", run.out);
        let told = "it was withdrawn, but the include of Stopgap in";
        assert!(run.reason("WEB").contains(told), "{}", run.reason("WEB"));
        assert!(!is_protected(&scene, "linked"));
        if !is_in_the_catalog {
            scene.publish(NOTHING);
        }
        for arguments in [["status"].as_slice(), &["list"], &["check"]] {
            let run = scene.stopgap(arguments);
            assert_eq!((run.code, run.state("WEB").as_str()), (1, "failed"), "{}", run.out);
        }
        fs::remove_file(&second).unwrap();
        let run = scene.stopgap(&["check"]);
        assert_eq!(run.code, 0, "{}", run.out);
        assert_eq!(scene.files(), before);
        assert_eq!(scene.stopgap(&["check"]).json()["changed"], false);
        if is_in_the_catalog {
            assert_eq!(run.state("WEB"), "withdrawn", "{}", run.out);
            scene.stopgap(&["unblock", "WEB"]);
            assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied");
        }
    }
}

/// A catalog in which nothing is asked for.
const NOTHING: &str = "schema = 1\nid = \"BEAT\"\nrevision = 1\ntitle = \"A heartbeat\"\n\
    severity = \"low\"\nimpact = \"None.\"\nno_live_probe = \"nothing is done\"\n[[action]]\n\
    id = \"BEAT.1\"\nkind = \"do-nothing\"\n";

#[test]
fn a_file_that_a_customer_changes_all_the_time_costs_his_site() {
    let Some(scene) = scene(&HOSTING) else { return };
    scene.add("restless", b"");
    scene.add("plain", b"");
    let (ends, text) = (AtomicBool::new(false), fs::read(scene.site("restless")).unwrap());
    thread::scope(|threads| {
        threads.spawn(|| {
            for count in 0.. {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let next = scene.dir().join("sites/next");
                let text = [text.as_slice(), format!("# {count}\n").as_bytes()].concat();
                fs::write(&next, text).unwrap();
                fs::rename(&next, scene.site("restless")).unwrap();
                thread::sleep(Duration::from_millis(1));
            }
        });
        let run = scene.stopgap(&["check"]);
        ends.store(true, Ordering::Relaxed);
        assert_eq!((run.code, run.state("WEB").as_str()), (1, "partial"), "{}", run.out);
        assert!(run.reason("WEB").contains("sites/restless.conf"), "{}", run.reason("WEB"));
        assert!(
            run.reason("WEB").contains("was changed by somebody else"),
            "{}",
            run.reason("WEB")
        );
    });
    assert!(is_protected(&scene, "shop") && is_protected(&scene, "plain"));
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert!(is_protected(&scene, "restless"));
}

/// A mount that is there until this is dropped.
struct Mount(std::path::PathBuf);

impl Mount {
    fn bind(from: &Path, to: &Path) -> Option<Self> {
        let done = Command::new("mount").arg("--bind").args([from, to]).output();
        if done.is_ok_and(|output| output.status.success()) {
            return Some(Self(to.to_owned()));
        }
        println!("skipped: nothing can be mounted here");
        None
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

#[test]
fn a_site_on_a_read_only_file_system_is_told_and_the_others_are_protected() {
    let Some(scene) = scene(&HOSTING) else { return };
    let (snippet, site) = (scene.dir().join("program/snippet"), scene.site("packaged"));
    scene.add("packaged", b"");
    fs::create_dir_all(snippet.parent().unwrap()).unwrap();
    fs::copy(&site, &snippet).unwrap();
    let Some(_mount) = Mount::bind(&snippet, &site) else { return };
    let read_only = ["-o", "remount,bind,ro"].map(OsStr::new);
    let done = Command::new("mount").args(read_only).arg(&site).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let before = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "partial"), "{}", run.out);
    let told = format!("the server block in {}, line 1 is not reached", site.display());
    assert!(run.reason("WEB").contains(&told), "{}", run.reason("WEB"));
    assert!(is_protected(&scene, "shop") && !is_protected(&scene, "packaged"));
    assert_eq!(scene.stopgap(&["check"]).json()["changed"], false);
    assert_eq!(scene.stopgap(&["remove", "WEB"]).state("WEB"), "withdrawn");
    assert_eq!(scene.files(), before);
}

#[test]
fn a_site_that_is_a_link_into_a_deploy_users_folder_is_protected_and_stays_his() {
    if !is_root() {
        return;
    }
    let Some(scene) = scene(&HOSTING) else { return };
    scene.add("app", b"");
    let folder = scene.dir().join("deploy");
    let file = folder.join("app.conf");
    fs::create_dir(&folder).unwrap();
    fs::rename(scene.site("app"), &file).unwrap();
    symlink(&file, scene.site("app")).unwrap();
    for path in [&folder, &file] {
        chown(path, Some(CUSTOMER), Some(CUSTOMER)).unwrap();
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o2775)).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o664)).unwrap();
    let (files, text) = (scene.files(), fs::read(&file).unwrap());
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert!(is_protected(&scene, "app") && is_protected(&scene, "shop"));
    let is_his = || {
        let about = fs::symlink_metadata(&file).unwrap();
        (about.uid(), about.gid(), about.mode() & 0o7777) == (CUSTOMER, CUSTOMER, 0o664)
    };
    assert!(is_his() && fs::symlink_metadata(scene.site("app")).unwrap().is_symlink());
    assert_eq!(scene.stopgap(&["remove", "WEB"]).state("WEB"), "withdrawn");
    assert!(is_his() && scene.files() == files && fs::read(&file).unwrap() == text);
}

#[test]
fn a_main_file_that_is_a_bind_mount_is_written_itself_and_put_back_after_a_kill() {
    let Some(scene) = scene(&HOSTING) else { return };
    let source = scene.dir().join("program/mounted");
    fs::create_dir_all(source.parent().unwrap()).unwrap();
    fs::copy(scene.config(), &source).unwrap();
    let Some(_mount) = Mount::bind(&source, &scene.config()) else { return };
    let before = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert!(is_protected(&scene, "shop"));
    assert_eq!(fs::read(&source).unwrap(), fs::read(scene.config()).unwrap());
    assert_eq!(scene.stopgap(&["remove", "--once", "WEB"]).state("WEB"), "withdrawn");
    assert_eq!(scene.files(), before);

    // Killed where it has written half: the bytes of a write that was cut short.
    let changes = scene.dir().join("state/changes");
    let last = || fs::read_dir(&changes).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
    let seen = last();
    let mut check = Command::new(common::program());
    check.args(scene.arguments(&["check"])).stdout(Stdio::null()).stderr(Stdio::null());
    let mut killed = check.spawn().unwrap();
    let begun = Instant::now();
    let record = loop {
        assert!(begun.elapsed() < Duration::from_secs(60), "the check does not begin");
        let (last, kept) = (last(), "after_image");
        let is_kept = fs::read_to_string(last.join("change.json")).is_ok_and(|r| r.contains(kept));
        if last != seen && is_kept {
            break last;
        }
        thread::sleep(Duration::from_millis(1));
    };
    killed.kill().unwrap();
    killed.wait().unwrap();
    let main = before[&scene.config().display().to_string()].clone();
    let image = fs::read_dir(record.join("after")).unwrap().next().unwrap().unwrap().path();
    let planned = fs::read(image).unwrap();
    let same = main.iter().zip(&planned).take_while(|(old, new)| old == new).count();
    let cut = same + 20;
    let torn = [&planned[..cut], &main[cut..]].concat();
    assert!(torn != main && torn != planned);
    fs::write(scene.config(), torn).unwrap();
    let text = fs::read_to_string(record.join("change.json")).unwrap();
    let text = text.replace("\"committed\"", "\"intended\"");
    fs::write(record.join("change.json"), text).unwrap();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert_eq!(scene.stopgap(&["remove", "--once", "WEB"]).state("WEB"), "withdrawn");
    assert_eq!(scene.files(), before);
}
