//! Apache httpd: what its configuration says, and our file in it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod config_files;

use config_files::{Machine, Scratch, accepts, apache_text, sentences};
use stopgap_model::host::ServerPath;
use stopgap_webserver::RuleText;

const MAIN: &str = "/etc/apache2/apache2.conf";

fn rules() -> RuleText {
    apache_text("<If \"%{THE_REQUEST} =~ m#\\x61#\">\n  Require all denied\n</If>\n")
}

fn none() -> RuleText {
    apache_text("")
}

/// A main file alone.
fn alone(text: &str) -> Machine {
    Machine::apache(&[(MAIN, text)])
}

fn debian() -> Machine {
    Machine::apache(&[
        (
            MAIN,
            "IncludeOptional mods-enabled/*.load\nInclude ports.conf\n<Directory />\n  Include none\n  Require all denied\n</Directory>\nIncludeOptional conf-enabled/*.conf\nIncludeOptional sites-enabled/*.conf\n",
        ),
        (
            "/etc/apache2/ports.conf",
            "Listen 80\n<IfModule ssl_module>\n  Listen 443\n</IfModule>\n<IfModule mod_gnutls.c>\n  Listen 444\n</IfModule>\n",
        ),
        ("/etc/apache2/mods-enabled/ssl.load", "LoadModule ssl_module /usr/lib/mod_ssl.so\n"),
        ("/etc/apache2/conf-enabled/charset.conf", "# nothing\n"),
        ("/etc/apache2/none", ""),
        (
            "/etc/apache2/sites-enabled/shop.conf",
            "<VirtualHost *:80>\n  ServerAlias a.example *.b.example ?.c\n</VirtualHost>\n<VirtualHost _default_:443>\n  ServerName https://shop.example:443\n  SSLEngine on\n</VirtualHost>\n",
        ),
    ])
}

#[test]
fn the_file_goes_where_debian_has_settings_of_the_whole_server() {
    let machine = debian();
    let placed = machine.there_and_back(&rules(), &none());
    let path = "/etc/apache2/conf-enabled/stopgap.conf";
    assert!(placed.text(path).starts_with("<If "));
    let placement = placed.place(&rules());
    assert_eq!(
        placement.places,
        ["/etc/apache2/conf-enabled/stopgap.conf, taken in by /etc/apache2/conf-enabled/*.conf"]
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
fn every_virtual_host_is_a_site_where_it_listens() {
    assert_eq!(
        debian().told_sites(),
        [
            "(no name):80 Port(None, 80)",
            "a.example:80 Port(None, 80)",
            "stopgap.b.example:80 Port(None, 80)",
            "shop.example:443 (TLS) Port(None, 443)",
        ]
    );
}

#[test]
fn the_main_server_answers_where_no_virtual_host_does() {
    let machine = alone(
        "ServerName main.example:80
Listen 127.0.0.1:8080
Listen [::1]:8081
Listen 8443 https
<VirtualHost 127.0.0.1:8080 192.0.2.1>
  ServerName a
  RemoteIPProxyProtocol On
</VirtualHost>
<VirtualHost 192.0.2.1:8443>
  ServerName b
</VirtualHost>
<VirtualHost *:9>
  ServerName never
</VirtualHost>
",
    );
    assert_eq!(
        machine.told_sites(),
        [
            "a Unasked(\"it expects the PROXY protocol\")",
            "a (TLS) Unasked(\"it expects the PROXY protocol\")",
            "b:8443 (TLS) Port(Some(192.0.2.1), 8443)",
            "main.example:8081 Port(Some(::1), 8081)",
        ]
    );
}

#[test]
fn conditions_are_decided_where_they_can_be() {
    let mut machine = alone(
        "Define PORT 81
<IfDefine !PORT>
  Listen 1
  <VirtualHost *:81>
  </VirtualHost>
</IfDefine>
<IfDefine GIVEN>
  Listen ${PORT}
</IfDefine>
<IfVersion < 2.4>
  Listen 2
</IfVersion>
<IfVersion >= 2.4.10>
  Listen ${FROM_OUTSIDE}
</IfVersion>
<IfModule !mod_so.c>
  Listen 3
</IfModule>
<IfFile /x>
  Listen 83
</IfFile>
<IfModule mpm_event_module>
  Listen 84
</IfModule>
<Macro Site $name>
  <VirtualHost *:81>
    ServerName $name
  </VirtualHost>
</Macro>
",
    );
    machine.server.defines.push("GIVEN".into());
    machine.server.variables.insert("FROM_OUTSIDE".into(), "82".into());
    let ports: Vec<String> = machine.sites().iter().map(ToString::to_string).collect();
    assert_eq!(ports, ["(no name):81", "(no name):82", "(no name):83", "(no name):84"]);
}

#[test]
fn hosts_that_a_macro_makes_are_sites_wherever_it_is_used() {
    let mut machine = alone(
        "Listen 81
<Macro Site $name $port>
  <VirtualHost *:$port>
    ServerName $name.test
    ServerAlias www.$name.test
  </VirtualHost>
  Include more/$name.conf
</macro>
Use Site a 81
<IfDefine NO>
  Use Site b 81
</IfDefine>
<Macro Both $one $other>
  use site $one 81
  USE Site $other 82
</Macro>
<IfFile /x>
  Use Nothing c
</IfFile>
Use Both d e
UndefMacro Site
IncludeOptional conf.d/*.conf
",
    );
    for name in ["a", "d", "e"] {
        machine.files.insert(format!("/etc/apache2/more/{name}.conf"), b"# none".to_vec());
    }
    machine.files.insert("/etc/apache2/conf.d/own.conf".into(), b"Listen 82".to_vec());
    let sites: Vec<String> = machine.sites().iter().map(ToString::to_string).collect();
    let expected = ["a.test:81", "www.a.test:81", "d.test:81", "www.d.test:81", "e.test:82"];
    assert_eq!(sites[..5], expected);
    assert_eq!(
        machine.gaps(&rules())[0],
        "the hosts that the macro nothing makes in /etc/apache2/apache2.conf, line 18 are not known, \
         so none of them is probed"
    );
    machine.there_and_back(&rules(), &none());
}

#[test]
fn a_macro_that_cannot_be_read_is_told_and_one_that_uses_itself_comes_to_an_end() {
    for (text, told) in [
        ("Use X\n", "line 1: the macro x is not defined here"),
        ("<Macro X>\n</Macro>\nUndefMacro x\nUse X\n", "line 4: the macro x is not defined here"),
        (
            "<Macro X $a>\n</Macro>\n\nUse X\n",
            "line 4: the macro x is used with another number of words",
        ),
        ("<Macro X>\nListen 1\n", "line 1: the macro has no name or no end"),
        (
            "<Macro X>\nUse X\n</Macro>\nUse X\n",
            "line 4: the macro x uses itself, or uses of macros are too deep",
        ),
        (
            "<Macro X>\n<Directory />\n</Macro>\nUse X\n",
            "line 4: the section <Directory> has no end",
        ),
    ] {
        assert_eq!(alone(text).trouble().to_string(), format!("{MAIN}, {told}"), "{text}");
    }
    // Twenty macros, each of which uses the one before a hundred times.
    let mut text = String::from("<Macro M0>\nListen 80\n</Macro>\n");
    for at in 1..20 {
        text += &format!("<Macro M{at}>\n{}</Macro>\n", format!("Use M{}\n", at - 1).repeat(100));
    }
    let told = alone(&format!("{text}Use M19\n")).trouble().to_string();
    assert!(told.contains("it has more than"), "{told}");
}

#[test]
fn what_a_small_file_makes_by_macros_and_variables_has_a_bound() {
    let told = |text: &str| alone(text).trouble().to_string();
    // 300 KB that make 10 GB.
    let (body, word) = ("$a".repeat(100_000), "x".repeat(100_000));
    let macros = told(&format!("<Macro X $a>\n{body}\n</Macro>\nUse X {word}\n"));
    assert!(
        macros.contains("line 4: with all includes it has more than 134217728 bytes"),
        "{macros}"
    );
    // Each compare looks at half of the parameter.
    let parameter = format!("{}b", "a".repeat(600_000));
    let body = "a".repeat(1_200_000);
    let compared = told(&format!("Listen 80\n<Macro X {parameter}>\n{body}\n</Macro>\nUse X y\n"));
    let expected = "line 2: a parameter of the macro has a name of more than 256 bytes";
    assert_eq!(compared, format!("{MAIN}, {expected}"));
    // Each variable is twice the one before.
    let mut text = String::from("Define V0 x\n");
    for at in 1..60 {
        text += &format!("Define V{at} ${{V{}}}${{V{}}}\n", at - 1, at - 1);
    }
    let expected = "line 22: its variables put more than 1048576 bytes into this line";
    assert_eq!(told(&text), format!("{MAIN}, {expected}"));
    // Each line has as much as one may have.
    let text = format!("Define A {}\n{}", "x".repeat(1_000_000), "Header set X ${A}\n".repeat(200));
    let lines = told(&text);
    assert!(lines.contains("it has more than 134217728 bytes"), "{lines}");
    // 1 MB with half a million names, which are kept for each host that has them.
    let host = "<VirtualHost *:80>\nServerAlias ${A}\n</VirtualHost>\n";
    let text = format!("Define A \"{}\"\n{}", "x ".repeat(500_000), host.repeat(100));
    let names = told(&text);
    assert!(names.contains("it has more than 134217728 bytes"), "{names}");
    // Names of variables without an end, and sections in each other.
    let text = format!("Listen 80\nServerName {}\n", "${".repeat(500_000));
    assert_eq!(alone(&text).told_sites().len(), 1);
    let deep = told(&"<Directory />\n".repeat(100_000));
    assert_eq!(deep, format!("{MAIN}, line 257: sections are more than 256 deep here"));
}

#[test]
fn a_section_ends_where_apache_ends_it() {
    // What follows the name in the line of an end is nothing to Apache; a section whose condition holds
    // ends with its file, at the latest.
    let sites = |text: &str| alone(text).told_sites();
    let host = "<VirtualHost *:80>\nServerName a\n</VirtualHost>";
    let open = format!("Listen 80\n<IfModule mod_so.c>\n{host} </IfModule>\nServerName b\n");
    assert_eq!(sites(&open), ["a:80 Port(None, 80)"]);
    let twice = format!("{open}</IfModule>\n");
    assert_eq!(sites(&twice), ["a:80 Port(None, 80)"]);
    let not = open.replace("mod_so.c", "mod_none.c");
    let told = alone(&not).trouble().to_string();
    assert_eq!(told, format!("{MAIN}, line 2: the section <IfModule> has no end"));
    let inside = "Listen 80\n<IfModule mod_so.c>\n<VirtualHost *:80>\n";
    let told = alone(inside).trouble().to_string();
    assert_eq!(told, format!("{MAIN}, line 3: the section <VirtualHost> has no end"));
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
            "a line of ours stands where none belongs: /etc/apache2/apache2.conf, line 2, and 2 more there",
            "our line is not at the end: /etc/apache2/apache2.conf, line 3",
        ]
    );
    assert_eq!(damaged.after(&placement).files, placed.files);
    assert_eq!(damaged.with(&none()).files, machine.files);
}

#[test]
fn an_include_of_a_folder_takes_in_all_files_below() {
    let machine = Machine::apache(&[
        (MAIN, "ServerRoot \"/srv/root\"\nInclude more\n"),
        ("/srv/root/more/a", "Listen 81\n"),
        ("/srv/root/more/b", "Listen 82\n"),
    ]);
    assert_eq!(machine.sites().len(), 2);
}

#[test]
fn what_is_wrong_is_told() {
    for (text, told) in [
        ("\nInclude none.conf\n", "line 2: /etc/apache2/none.conf is not there"),
        ("Include apache2.conf", "line 1: /etc/apache2/apache2.conf includes itself"),
        ("Include", "line 1: the include names nothing"),
        ("# \\\nx\n<Directory />\n", "line 3: the section <Directory> has no end"),
        ("<A>\n</B>\n", "line 2: </B> ends no section that is open here"),
        ("</B>\n", "line 1: </B> ends no section that is open here"),
    ] {
        assert_eq!(alone(text).trouble().to_string(), format!("{MAIN}, {told}"), "{text}");
    }
    alone("IncludeOptional none.conf\nIncludeOptional none/*.conf\n")
        .there_and_back(&rules(), &none());
    let error = alone("Listen 80 \\\n").try_place(&rules()).unwrap_err();
    assert_eq!(error.to_string(), "/etc/apache2/apache2.conf ends in a line that is continued");
    assert_eq!(
        alone("<Location />\n Satisfy any\n</Location>\n").gaps(&rules()),
        ["`Satisfy Any` in /etc/apache2/apache2.conf, line 2 lets requests in that rules deny"]
    );
    let text = apache_text("<If \"true\">\n Require all denied\n Satisfy All\n</If>\n");
    assert!(alone("Satisfy Any\n").gaps(&text).is_empty());
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
fn a_configuration_of_5_mb_is_read_and_changed() {
    let mut text = String::from("Listen 80\n");
    for at in 0..2000 {
        text += &format!("<VirtualHost *:80>\n  ServerName s{at}.example\n");
        text += &"  Redirect /some/path/of/theirs /another/path/of/theirs/ \n".repeat(45);
        text += "</VirtualHost>\n";
    }
    assert!(text.len() > 5_000_000);
    let machine = alone(&text);
    machine.there_and_back(&rules(), &none());
    assert_eq!(machine.sites().len(), 2000);
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

#[test]
fn what_a_whole_host_redirects_comes_before_rules_and_what_a_part_of_it_does_not() {
    let main = "Listen 80
Redirect gone /old
RewriteRule ^/main - [R=307]
<VirtualHost *:80>
  ServerName a
  AllowEncodedSlashes NoDecode
  RedirectMatch 301 ^/x /y
  RedirectMatch 303 ^/(.*)$ https://b/$1
  RewriteEngine On
  RewriteRule ^ https://%{HTTP_HOST}/ [L,NE]
  RewriteRule ^/plain /other [PT]
  <Location /part>
    Redirect 404
  </Location>
  <IfModule alias_module>
    RedirectTemp /z /
  </IfModule>
</VirtualHost>
<VirtualHost *:80>
  ServerName b
  CacheEnable disk /
  CacheIgnoreCacheControl On
</VirtualHost>
<VirtualHost *:80>
  ServerName c
  CacheEnable disk /
  CacheQuickHandler off
</VirtualHost>
";
    let machine = Machine::apache(&[("/etc/apache2/apache2.conf", main)]);
    let at = |line: usize| format!("in /etc/apache2/apache2.conf, line {line}");
    let told = machine.own_answers();
    let of = |block: usize| -> Vec<String> {
        let begins = format!("{block}: ");
        told.iter().filter_map(|own| own.strip_prefix(&begins)).map(str::to_owned).collect()
    };
    let slash = "EncodedSlash, AllowEncodedSlashes, which is off".to_owned();
    let gone = format!("Below(\"/old\", 410), the redirect {}", at(2));
    let expected = [
        format!("With({{303}}), the redirect {}", at(8)),
        format!("With({{302}}), the redirect {}", at(10)),
        gone.clone(),
    ];
    assert_eq!(of(1), expected);
    let cache = format!("Anything, the cache {}", at(21));
    assert_eq!(of(2), [gone.clone(), slash.clone(), cache]);
    assert_eq!(of(3), [gone, slash.clone()]);
    assert_eq!(of(0).last(), Some(&slash));
    let gaps = machine.gaps(&apache_text("<If \"true\">\n</If>\n"));
    let told: Vec<_> = gaps.iter().filter(|gap| gap.contains("CacheQuickHandler off")).collect();
    assert_eq!(told.len(), 1, "{gaps:?}");
    assert!(told[0].contains(&at(21)), "{gaps:?}");
}

#[test]
fn a_redirect_counts_for_the_requests_and_the_sites_that_it_is_for() {
    let certbot = "RewriteCond %{SERVER_NAME} =A.test [OR]\nRewriteCond %{SERVER_NAME} =b.test\n\
                   RewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [END,NE,R=permanent]\n";
    let tls = "RewriteRule ^/?(.*) https://%{SERVER_NAME}/$1 [R=301,L]\n";
    let all = "With({301}), ";
    for (lines, expected) in [
        ("Redirect / https://b/\n".to_owned(), vec!["With({302}), "]),
        ("Redirect permanent /old-feed /feed\n".into(), vec!["Below(\"/old-feed\", 301), "]),
        ("RedirectMatch ^/$ /app\n".into(), vec![]),
        ("RedirectMatch 302 \\.php$ /app\n".into(), vec![]),
        (tls.into(), vec![all]),
        (certbot.into(), vec!["With({301}) of {\"a.test\", \"b.test\"}, "]),
        (format!("RewriteCond %{{HTTPS}} !=on\n{tls}"), vec!["With({301}) without TLS, "]),
        (format!("RewriteCond %{{HTTPS}} off [OR]\n{tls}"), vec![]),
        (format!("RewriteCond %{{HTTPS}} on\n{tls}"), vec![]),
        (format!("RewriteCond %{{HTTP_COOKIE}} !login\n{tls}"), vec![]),
        (
            format!("RewriteCond %{{SERVER_NAME}} =a\nRewriteCond %{{REQUEST_URI}} !^/x\n{tls}"),
            vec![],
        ),
        // A condition is for the next rule alone.
        (format!("RewriteCond %{{HTTP_COOKIE}} x\nRewriteRule ^/a /b\n{tls}"), vec![all]),
        (
            format!("RewriteRule .* - [E=X:y]\nRewriteRule ^/p https://b/ [R=301,L]\n{tls}"),
            vec![all],
        ),
        // These keep requests from what is behind them.
        (format!("RewriteRule ^/app - [L]\n{tls}"), vec![]),
        (format!("RewriteRule ^/app - [S=1]\n{tls}"), vec![]),
        (format!("RewriteRule ^/app - [C]\n{tls}"), vec![]),
        (format!("RewriteRule ^/app http://127.0.0.1:8080/ [P]\n{tls}"), vec![]),
        (format!("RewriteEngine Off\n{tls}"), vec![]),
    ] {
        let main =
            format!("Listen 80\n<VirtualHost *:80>\nRewriteEngine On\n{lines}</VirtualHost>\n");
        let told = Machine::apache(&[("/etc/apache2/apache2.conf", &main)]).own_answers();
        let redirects: Vec<_> = told.iter().filter(|own| own.contains("redirect")).collect();
        let all: Vec<String> = expected.iter().map(|own| format!("1: {own}")).collect();
        assert_eq!(redirects.len(), all.len(), "{lines}{told:?}");
        assert!(
            redirects.iter().zip(&all).all(|(own, all)| own.starts_with(all)),
            "{lines}{told:?}"
        );
    }
}
