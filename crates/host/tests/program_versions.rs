//! The version of a Windows program, and what happens when the program is damaged.

use stopgap_host::pe::{NoVersion, file_version};
use stopgap_model::Version;
use stopgap_sandbox::pe::executable_with_version;

fn program() -> Vec<u8> {
    executable_with_version([15, 2, 1118, 7], "15.02.1118.007")
}

/// A small, fast generator of numbers; the same for everybody, so that a failure can be repeated.
fn numbers(seed: u64) -> impl FnMut() -> u64 {
    println!("seed {seed}");
    let mut state = seed;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

#[test]
fn the_version_is_read_from_the_numbers() {
    assert_eq!(file_version(&program()), Ok(Version::from_parts(&[15, 2, 1118, 7])));
    let large = executable_with_version([65535, 0, 65535, 1], "");
    assert_eq!(file_version(&large), Ok(Version::from_parts(&[65535, 0, 65535, 1])));
}

#[test]
fn the_text_beside_the_numbers_does_not_count() {
    let program = executable_with_version([15, 2, 1118, 7], "99.0.0.0");
    assert_eq!(file_version(&program), Ok(Version::from_parts(&[15, 2, 1118, 7])));
}

#[test]
fn what_is_not_a_program_has_no_version() {
    for bytes in [&b""[..], b"MZ", b"#!/bin/sh\n", &[0; 4096], &[0xff; 4096]] {
        assert!(matches!(file_version(bytes), Err(NoVersion::Damaged(_))), "{:?}", bytes.len());
    }
}

#[test]
fn a_program_without_resources_has_no_version() {
    let mut program = program();
    // The third data directory: 0x80 + 24 bytes of headers + 112 of the optional header + 16.
    program[0x80 + 24 + 112 + 16..][..8].fill(0);
    assert_eq!(file_version(&program), Err(NoVersion::Missing));
}

#[test]
fn a_download_that_broke_off_at_any_byte_gives_the_version_or_an_error() {
    let program = program();
    let right = Version::from_parts(&[15, 2, 1118, 7]);
    for length in 0..program.len() {
        if let Ok(version) = file_version(&program[..length]) {
            assert_eq!(version, right, "{length} bytes");
        }
    }
    assert!(file_version(&program[..0x200]).is_err());
}

#[test]
fn a_bad_disk_never_makes_it_panic() {
    let program = program();
    let mut next = numbers(0x5eed_0001);
    for _ in 0..40_000 {
        let mut damaged = program.clone();
        for _ in 0..=next() % 6 {
            let at = next() as usize % damaged.len();
            damaged[at] = next() as u8;
        }
        let _ = file_version(&damaged);
    }
}

#[test]
fn hostile_numbers_in_the_headers_never_make_it_panic() {
    let program = program();
    for at in (0..program.len() - 4).step_by(2) {
        for value in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, u32::MAX] {
            let mut damaged = program.clone();
            damaged[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
            let _ = file_version(&damaged);
        }
    }
}
