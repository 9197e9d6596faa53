//! Where our file is taken in by Apache, and that it comes out to the byte.

use stopgap_model::host::ServerPath;

use super::{MAIN, alone, debian, none, rules};
use crate::config_files::{Machine, Scratch, accepts, apache_text, sentences};

#[test]
fn the_file_goes_where_debian_has_settings_of_the_whole_server() {
    let machine = debian();
    let placed = machine.there_and_back(&rules(), &none());
    let path = "/etc/apache2/conf-enabled/stopgap.conf";
    assert!(placed.text(path).starts_with("<If "));
    let placement = placed.place(&rules());
    assert_eq!(
        placement.places,
        ["/etc/apache2/conf-enabled/stopgap.conf, included by /etc/apache2/conf-enabled/*.conf"]
    );
    let staged = String::from_utf8(placement.staged[0].1.clone()).unwrap();
    assert!(
        staged.contains(
            "Include /etc/apache2/conf-enabled/charset.conf\nInclude /etc/apache2/conf-enabled/.stopgap.conf.stopgap-new\n"
        ),
        "{staged}"
    );
    assert!(!staged.contains("conf-enabled/*"));
    assert_eq!(placement.staged[1].0.as_str(), path);
    let files = placed.read().unwrap();
    let layout = files.layout().unwrap();
    assert_eq!(layout.own_files().len(), 1);
    assert_eq!(layout.modules(), ["ssl_module"]);
}

#[test]
fn our_file_is_taken_in_where_the_modules_are_loaded_that_it_needs() {
    let mut machine = alone(
        "Include conf-enabled/*.conf\nLoadModule headers_module m.so\nInclude late/*.conf\n\
         LoadModule status_module m.so\n",
    );
    for name in ["conf-enabled", "late"] {
        machine.files.insert(format!("/etc/apache2/{name}/own.conf"), b"# own".to_vec());
    }
    let placed = machine.there_and_back(&rules(), &none());
    assert!(placed.files.contains_key("/etc/apache2/late/stopgap.conf"), "{placed:?}");
    machine.files.remove("/etc/apache2/late/own.conf");
    let placed = machine.there_and_back(&rules(), &none());
    assert!(
        placed.text(MAIN).ends_with("IncludeOptional /etc/apache2/stopgap.conf\n"),
        "{placed:?}"
    );
}

#[test]
fn without_a_folder_for_settings_a_line_at_the_end_takes_our_file_in() {
    for text in [
        "Listen 80\n",
        "Listen 80",
        "",
        "\n",
        "Listen 80\r\n# x\r\n",
        "IncludeOptional conf-enabled/*.conf\n",
        "<IfFile /x>\nInclude conf.d/*\n</IfFile>\n",
        "Include sites-enabled/*\nInclude conf.modules.d/*.conf\n",
        "Include c*/*.conf\n",
    ] {
        let mut machine = alone(text);
        for name in ["sites-enabled/a", "conf.modules.d/a.conf", "conf.d/a"] {
            machine.files.insert(format!("/etc/apache2/{name}"), b"# nothing".to_vec());
        }
        let placed = machine.there_and_back(&rules(), &none());
        let newline = if text.contains('\r') { "\r\n" } else { "\n" };
        let ended = text.ends_with('\n');
        let content = text.strip_suffix(newline).unwrap_or(text);
        let expected = format!(
            "{content}{newline}IncludeOptional /etc/apache2/stopgap.conf{}",
            if ended { newline } else { "" }
        );
        assert_eq!(placed.text(MAIN), expected, "{text:?}");
        let staged = placed.place(&rules()).staged;
        let staged = String::from_utf8(staged[0].1.clone()).unwrap();
        assert!(!staged.contains("stopgap.conf\n") && !staged.contains("stopgap.conf\r"));
        assert!(staged.contains(".stopgap.conf.stopgap-new"));
    }
}

#[test]
fn our_file_and_the_main_one_if_it_has_our_line_are_told() {
    assert_eq!(debian().written_files(), ["/etc/apache2/conf-enabled/stopgap.conf"]);
    let both = [MAIN, "/etc/apache2/stopgap.conf"];
    assert_eq!(alone("Listen 80\n").written_files(), both);
    assert_eq!(alone("Listen 80\n").with(&rules()).written_files(), both);
}

#[test]
fn where_ours_is_already_stays_the_place() {
    let machine = alone("IncludeOptional conf-enabled/*.conf\n");
    let mut placed = machine.with(&rules());
    placed.files.insert("/etc/apache2/conf-enabled/new.conf".into(), b"".to_vec());
    assert_eq!(placed.place(&rules()).edits, []);
    let mut other = debian();
    let main = other
        .text(MAIN)
        .replace("IncludeOptional conf-enabled", "Include conf.d/*\nIncludeOptional conf-enabled");
    other.files.insert(MAIN.into(), main.into_bytes());
    other.files.insert("/etc/apache2/conf.d/stopgap.conf".into(), b"# old".to_vec());
    let placement = other.place(&rules());
    assert_eq!(
        sentences(&placement.differences),
        ["/etc/apache2/conf.d/stopgap.conf has another content"]
    );
    assert_eq!(placement.edits.len(), 1);
}

#[test]
fn lines_of_ours_that_were_damaged_are_put_right() {
    let machine = alone("Listen 80\nListen 81\n");
    let placed = machine.with(&rules());
    let mut damaged = placed.clone();
    let text = "Listen 80\n  Include stopgap.conf\nListen 81\nInclude \"/etc/apache2/stopgap.conf\"\nInclude /etc/apache2/stopgap.conf\n";
    damaged.files.insert(MAIN.into(), text.into());
    damaged.files.remove("/etc/apache2/stopgap.conf");
    let placement = damaged.place(&rules());
    assert_eq!(
        sentences(&placement.differences),
        [
            "/etc/apache2/stopgap.conf is not there",
            "a line of Stopgap is where none belongs: /etc/apache2/apache2.conf, line 2, and 2 more there",
            "our line is not at the end: /etc/apache2/apache2.conf, line 3",
        ]
    );
    assert_eq!(damaged.after(&placement).files, placed.files);
    assert_eq!(damaged.with(&none()).files, machine.files);
}

#[test]
fn a_path_with_blanks_and_quotes_does_not_leave_its_quotes() {
    let main = "/srv/a \"b\" ' > \\x/main";
    let mut machine = Machine::apache(&[(main, "Listen 80\n")]);
    machine.server.config = vec![ServerPath::new(main)];
    let placed = machine.there_and_back(&rules(), &none());
    assert!(
        placed
            .text(main)
            .ends_with("\nIncludeOptional \"/srv/a \\\"b\\\" ' > \\\\x/stopgap.conf\"\n")
    );
    machine.files.insert("/srv/${x}/main".into(), b"".to_vec());
    machine.server.config = vec![ServerPath::new("/srv/${x}/main")];
    assert!(machine.try_place(&rules()).is_err());
}

#[test]
fn apache_accepts_what_is_staged_and_what_is_placed() {
    let modules = "/usr/lib/apache2/modules";
    for folder in ["conf.d", "other"] {
        let scratch = Scratch::new(&format!("edit-apache-{folder}"));
        let root = scratch.0.display();
        let main = scratch.path("main.conf");
        let text = format!(
            "ServerRoot {root}\nLoadModule mpm_event_module {modules}/mod_mpm_event.so\nLoadModule authz_core_module {modules}/mod_authz_core.so\nPidFile {root}/pid\nErrorLog {root}/log\nServerName x\nListen 127.0.0.1:1\nIncludeOptional conf.d/*.conf\n"
        );
        let mut machine = alone("");
        machine.files.clear();
        machine.files.insert(main.clone(), text.into_bytes());
        machine.files.insert(scratch.path(&format!("{folder}/a.conf")), b"# a".to_vec());
        machine.server.config = vec![ServerPath::new(main.clone())];
        machine.server.base = ServerPath::new(scratch.0.to_str().unwrap());
        scratch.write(&machine);
        for (text, good) in [(rules(), true), (apache_text("Nonsense\n"), false)] {
            for (path, bytes) in &machine.place(&text).staged {
                std::fs::write(stopgap_model::web::beside(path).as_str(), bytes).unwrap();
            }
            let staged =
                stopgap_model::web::beside(&ServerPath::new(main.clone())).as_str().to_owned();
            let Some(answer) = accepts("apache2", &["-t", "-f", &staged]) else { return };
            assert_eq!(answer.is_ok(), good, "{answer:?}");
        }
        scratch.write(&machine.there_and_back(&rules(), &none()));
        assert_eq!(accepts("apache2", &["-t", "-f", &main]), Some(Ok(())));
    }
}
