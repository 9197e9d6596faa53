//! The invented server is as hard as a real one, and every reader can read it.

use goblin::pe::PE;
use stopgap_sandbox::{APPLICATION_HOST, Build, ExchangeServer, Newline, SETUP_PROGRAM};

const BUILD: Build = Build::new(15, 2, 1118, 7);

fn files(newline: Newline) -> Vec<(String, Vec<u8>)> {
    let server = ExchangeServer { build: BUILD, newline };
    server.files().into_iter().map(|(path, bytes)| (path.to_string(), bytes)).collect()
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
    for (path, bytes) in files(Newline::CrLf) {
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
