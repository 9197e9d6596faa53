//! The invented server is as hard as a real one, and every reader can read it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may say plainly what they expect"
)]

use goblin::pe::PE;
use stopgap_sandbox::{
    APPLICATION_HOST, Build, ExchangeServer, Newline, PHP_PROGRAM, SETUP_PROGRAM,
};

const BUILD: Build = Build::new(15, 2, 1118, 7);

fn files(newline: Newline) -> Vec<(String, Vec<u8>)> {
    let server = ExchangeServer { newline, ..ExchangeServer::new(BUILD) };
    server.files().into_iter().map(|(path, bytes)| (path.to_string(), bytes)).collect()
}

fn with_php() -> Vec<(String, Vec<u8>)> {
    let server = ExchangeServer::new(BUILD).with_php(Build::new(8, 1, 28, 0));
    server.files().into_iter().map(|(path, bytes)| (path.to_string(), bytes)).collect()
}

fn host_config(files: &[(String, Vec<u8>)]) -> String {
    let (_, bytes) =
        files.iter().find(|(path, _)| path.eq_ignore_ascii_case(APPLICATION_HOST)).expect("there");
    String::from_utf8(bytes.clone()).expect("UTF-8")
}

/// The elements `name` of a document whose attribute `key` is `value`.
fn attributes<'a>(
    document: &'a roxmltree::Document<'_>,
    name: &str,
    key: &str,
    value: &str,
) -> Vec<(&'a str, &'a str)> {
    let mut nodes = document
        .descendants()
        .filter(|node| node.has_tag_name(name) && node.attribute(key) == Some(value));
    let node = nodes.next().unwrap_or_else(|| panic!("no {name} {value}"));
    assert!(nodes.next().is_none(), "two of {name} {value}");
    node.attributes().map(|attribute| (attribute.name(), attribute.value())).collect()
}

#[test]
fn a_php_adds_a_site_a_program_and_its_version_and_changes_nothing_else() {
    let (without, with) = (files(Newline::CrLf), with_php());
    let new: Vec<&str> =
        with.iter().filter(|file| !without.contains(file)).map(|(path, _)| path.as_str()).collect();
    let expected = [
        r"C:\Windows\System32\inetsrv\Config\applicationHost.config",
        r"D:\sites\shop\web.config",
        r"C:\Program Files\PHP\PHP-CGI.exe",
    ];
    assert_eq!(new, expected);
    assert!(expected[2].eq_ignore_ascii_case(PHP_PROGRAM) && expected[2] != PHP_PROGRAM);

    let text = host_config(&with);
    let document = roxmltree::Document::parse(&text).expect("well-formed");
    let sites = document.descendants().filter(|node| node.has_tag_name("site"));
    assert_eq!(sites.filter_map(|site| site.attribute("name")).next_back(), Some("Shop"));
    attributes(&document, "application", "fullPath", r"%ProgramFiles%\PHP\php-cgi.exe");
    // Taken out again, it is the file of a server without PHP.
    let cut = |text: &str, from: &str, to: &str, instead: &str| {
        let (before, rest) = text.split_once(from).expect("the beginning");
        let (_, after) = rest.split_once(to).expect("the end");
        format!("{before}{instead}{after}")
    };
    let cut_site = cut(&text, "            <site name=\"Shop\"", "</site>\r\n", "");
    let cut_both = cut(&cut_site, "<fastCgi>", "</fastCgi>", "<fastCgi />");
    assert!(cut_both == host_config(&without));

    let program = PE::parse(&with.last().expect("the program").1).expect("a valid program");
    let version = program.resource_data.and_then(|data| data.version_info).expect("a version");
    let fixed = version.fixed_info.expect("a fixed version");
    assert_eq!((fixed.file_version_ms, fixed.file_version_ls), (0x0008_0001, 0x001c_0000));
    assert_eq!(version.string_info.file_version().as_deref(), Some("8.1.28"));
}

#[test]
fn url_rewrite_is_declared_as_its_installer_does() {
    let text = host_config(&files(Newline::CrLf));
    let document = roxmltree::Document::parse(&text).expect("well-formed");
    let group = document
        .descendants()
        .find(|node| node.attribute("name") == Some("rewrite"))
        .expect("a section group");
    let sections: Vec<_> = group
        .children()
        .filter(|node| node.has_tag_name("section"))
        .map(|node| {
            let attribute = |name| node.attribute(name).unwrap_or_default();
            (attribute("name"), attribute("overrideModeDefault"), attribute("allowDefinition"))
        })
        .collect();
    let expected = [
        ("globalRules", "Deny", "AppHostOnly"),
        ("rules", "Allow", ""),
        ("outboundRules", "Allow", ""),
        ("providers", "Allow", ""),
        ("rewriteMaps", "Allow", ""),
        ("allowedServerVariables", "Deny", ""),
    ];
    assert_eq!(sections, expected);
    assert!(text.contains("<caching enabled=\"true\" enableKernelCache=\"true\">"));
}

#[test]
fn application_pools_are_written_in_every_way() {
    let text = host_config(&files(Newline::CrLf));
    let document = roxmltree::Document::parse(&text).expect("well-formed");
    let start = |pool| {
        let found = attributes(&document, "add", "name", pool);
        let value = |name| found.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        (value("autoStart"), value("startMode"))
    };
    let on = Some("true");
    assert_eq!(start("MSExchangeOWAAppPool"), (on, Some("AlwaysRunning")));
    assert_eq!(start("MSExchangeECPAppPool"), (None, Some("OnDemand")));
    assert_eq!(start("MSExchangeOABAppPool"), (on, None));
    assert_eq!(start("MSExchangeServicesAppPool"), (on, Some("AlwaysRunning")));
    assert_eq!(start("MSExchangeSyncAppPool"), (None, None));
    assert!(
        text.contains("<add name='MSExchangeOABAppPool' queueLength='1000' autoStart = 'true'")
    );
    assert!(text.contains("<add name=\"MSExchangeOWAAppPool\"\r\n"));
    assert!(text.contains("<add startMode=\"AlwaysRunning\" name=\"MSExchangeServicesAppPool\""));
}

#[test]
fn nested_applications_and_a_plain_folder_share_the_folder_of_outlook_on_the_web() {
    let files = files(Newline::CrLf);
    let text = host_config(&files);
    let document = roxmltree::Document::parse(&text).expect("well-formed");
    let folder = |path: &str| {
        let mut applications = document.descendants().filter(|node| {
            node.has_tag_name("application") && node.attribute("path") == Some(path)
        });
        let application = applications.next().expect("an application");
        let directory = application.children().find(|node| node.is_element()).expect("a folder");
        directory.attribute("physicalPath").expect("a path").to_owned()
    };
    let owa = folder("/owa");
    assert_eq!((folder("/owa/Calendar"), folder("/owa/Integrated")), (owa.clone(), owa.clone()));
    assert!(files.iter().any(|(path, _)| *path == format!(r"{owa}\auth\web.config")));
    assert!(!text.contains("<application path=\"/owa/auth\""));
}

#[test]
fn the_setup_program_is_a_windows_program_that_says_the_build() {
    let bytes = ExchangeServer::new(BUILD).setup_program();
    let program = PE::parse(&bytes).expect("a valid program");
    assert!(program.is_64);
    let version = program.resource_data.and_then(|data| data.version_info).expect("a version");
    let fixed = version.fixed_info.expect("a fixed version");
    assert!(fixed.is_valid());
    assert_eq!((fixed.file_version_ms, fixed.file_version_ls), (0x000f_0002, 0x045e_0007));
    assert_eq!(version.string_info.file_version().as_deref(), Some("15.02.1118.007"));
    assert_eq!(version.string_info.product_version().as_deref(), Some("15.02.1118.007"));
}

#[test]
fn every_configuration_file_is_well_formed() {
    for (path, bytes) in with_php().into_iter().chain(files(Newline::CrLf)) {
        if path.to_ascii_lowercase().ends_with(".config") {
            let text = String::from_utf8(bytes).expect("UTF-8");
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let document =
                roxmltree::Document::parse(text).unwrap_or_else(|e| panic!("{path}: {e}"));
            assert_eq!(document.root_element().tag_name().name(), "configuration", "{path}");
        }
    }
}

#[test]
fn lines_end_as_asked_for() {
    for (path, bytes) in files(Newline::CrLf) {
        if !path.ends_with(".exe") {
            let text = String::from_utf8(bytes).expect("UTF-8");
            assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{path}");
        }
    }
    for (path, bytes) in files(Newline::Lf) {
        assert!(path.ends_with(".exe") || !bytes.contains(&b'\r'), "{path}");
    }
}

#[test]
fn some_files_have_a_byte_order_mark_and_some_have_none() {
    let files = files(Newline::CrLf);
    let marked = files.iter().filter(|(_, bytes)| bytes.starts_with(b"\xef\xbb\xbf")).count();
    assert!(marked > 5 && marked + 5 < files.len(), "{marked} of {}", files.len());
}

#[test]
fn windows_would_find_every_physical_path_by_another_spelling() {
    let files = files(Newline::CrLf);
    for asked in [APPLICATION_HOST, SETUP_PROGRAM] {
        let found: Vec<_> =
            files.iter().filter(|(path, _)| path.eq_ignore_ascii_case(asked)).collect();
        assert_eq!(found.len(), 1, "{asked}");
        assert_ne!(found[0].0, asked, "the case differs on the disk");
    }
}

#[test]
fn the_same_build_gives_the_same_bytes() {
    assert_eq!(files(Newline::CrLf), files(Newline::CrLf));
}
