//! A Windows program that does nothing but say its version.

/// Where the PE header begins; before it are the DOS header and an empty DOS program.
const PE_HEADER: u32 = 0x80;
/// The alignment of sections in the file, and the size of all headers.
const FILE_ALIGNMENT: u32 = 0x200;
/// The alignment of sections in memory, and the address of the only one.
const SECTION: u32 = 0x1000;
/// The PE32+ optional header with sixteen data directories.
const OPTIONAL_HEADER: u16 = 112 + 16 * 8;
/// Three resource directories of one entry each (type, name, language) and the data entry.
const RESOURCE_TREE: u32 = 3 * 24 + 16;

/// The bytes of a 64-bit Windows program (PE32+) without code, whose version resource has the file
/// version `version`, and `text` for people.
#[must_use]
pub fn executable_with_version(version: [u16; 4], text: &str) -> Vec<u8> {
    let resources = resources(&version_info(version, text));
    let size = resources.len() as u32;
    let mut bytes = headers(size);
    bytes.resize(FILE_ALIGNMENT as usize, 0);
    bytes.extend(resources);
    bytes.resize(bytes.len().next_multiple_of(FILE_ALIGNMENT as usize), 0);
    bytes
}

fn headers(size: u32) -> Vec<u8> {
    let mut out = b"MZ".to_vec();
    out.resize(0x3c, 0);
    u32s(&mut out, &[PE_HEADER]);
    out.resize(PE_HEADER as usize, 0);
    out.extend(b"PE\0\0");
    // x86-64, one section; no time stamp, no symbols; executable, large addresses.
    u16s(&mut out, &[0x8664, 1]);
    u32s(&mut out, &[0, 0, 0]);
    u16s(&mut out, &[OPTIONAL_HEADER, 0x22]);
    optional_header(&mut out, size);
    out.extend(b".rsrc\0\0\0");
    let on_disk = size.next_multiple_of(FILE_ALIGNMENT);
    u32s(&mut out, &[size, SECTION, on_disk, FILE_ALIGNMENT, 0, 0, 0]);
    // Initialised data, readable.
    u32s(&mut out, &[0x4000_0040]);
    out
}

fn optional_header(out: &mut Vec<u8>, size: u32) {
    let image = SECTION + size.next_multiple_of(SECTION);
    // PE32+, linker version; sizes of code and data; entry point, base of code.
    u16s(out, &[0x20b, 0x0e]);
    u32s(out, &[0, size.next_multiple_of(FILE_ALIGNMENT), 0, 0, SECTION]);
    out.extend(0x1_4000_0000_u64.to_le_bytes());
    u32s(out, &[SECTION, FILE_ALIGNMENT]);
    // Versions of the operating system, the image, the subsystem.
    u16s(out, &[6, 0, 0, 0, 6, 0]);
    u32s(out, &[0, image, FILE_ALIGNMENT, 0]);
    // A console program.
    u16s(out, &[3, 0]);
    for reserve in [0x10_0000_u64, 0x1000, 0x10_0000, 0x1000] {
        out.extend(reserve.to_le_bytes());
    }
    u32s(out, &[0, 16]);
    // Of the data directories, the third is the resources'.
    u32s(out, &[0, 0, 0, 0, SECTION, size]);
    u32s(out, &[0; 26]);
}

/// The resource section: version information, number 1, US English.
fn resources(version_info: &[u8]) -> Vec<u8> {
    const DIRECTORY: u32 = 0x8000_0000;
    let mut out = Vec::new();
    for (id, target) in [(16, DIRECTORY | 24), (1, DIRECTORY | 48), (0x409, 72)] {
        u32s(&mut out, &[0, 0, 0]);
        u16s(&mut out, &[0, 1]);
        u32s(&mut out, &[id, target]);
    }
    u32s(&mut out, &[SECTION + RESOURCE_TREE, version_info.len() as u32, 0, 0]);
    out.extend(version_info);
    out
}

fn version_info([major, minor, build, revision]: [u16; 4], text: &str) -> Vec<u8> {
    let version =
        [u32::from(major) << 16 | u32::from(minor), u32::from(build) << 16 | u32::from(revision)];
    let mut fixed = Vec::new();
    u32s(&mut fixed, &[0xfeef_04bd, 0x1_0000]);
    u32s(&mut fixed, &version);
    u32s(&mut fixed, &version);
    // Flags; Windows NT, an application; no date.
    u32s(&mut fixed, &[0x3f, 0, 0x4_0004, 1, 0, 0, 0]);

    let strings = [("FileDescription", "Sandbox"), ("FileVersion", text), ("ProductVersion", text)];
    let strings: Vec<Vec<u8>> = strings
        .iter()
        .map(|(name, value)| {
            let value = utf16(value);
            block(name, 1, (value.len() / 2) as u16, &value, &[])
        })
        .collect();
    let table = block("040904B0", 1, 0, &[], &strings);
    let mut language = Vec::new();
    u16s(&mut language, &[0x409, 0x4b0]);
    let children = [
        block("StringFileInfo", 1, 0, &[], &[table]),
        block("VarFileInfo", 1, 0, &[], &[block("Translation", 0, 4, &language, &[])]),
    ];
    block("VS_VERSION_INFO", 0, fixed.len() as u16, &fixed, &children)
}

/// A block of the version resource; everything in it begins at a multiple of four bytes.
fn block(key: &str, kind: u16, value_length: u16, value: &[u8], children: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    u16s(&mut out, &[0, value_length, kind]);
    out.extend(utf16(key));
    for part in std::iter::once(value).chain(children.iter().map(Vec::as_slice)) {
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(part);
    }
    let length = (out.len() as u16).to_le_bytes();
    out[..2].copy_from_slice(&length);
    out
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn u16s(out: &mut Vec<u8>, values: &[u16]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn u32s(out: &mut Vec<u8>, values: &[u32]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}
