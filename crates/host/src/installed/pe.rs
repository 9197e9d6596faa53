//! The file version of a Windows program.

use goblin::error::Error;
use goblin::pe::header::{Header, SIZEOF_COFF_HEADER, SIZEOF_PE_MAGIC};
use goblin::pe::options::ParseOptions;
use goblin::pe::resource::{ResourceData, VsFixedFileInfo};
use stopgap_model::Version;

/// The largest program whose version is read, in bytes; ExSetup.exe and php-cgi.exe are small ones.
pub const MAX_PROGRAM: u64 = 16 << 20;

/// The program does not say its version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoVersion {
    /// It is damaged, or not a Windows program at all.
    #[error("it is not a Windows program, or damaged ({0})")]
    Damaged(String),
    /// It is a Windows program without version information.
    #[error("it has no version information")]
    Missing,
}

impl From<Error> for NoVersion {
    fn from(error: Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// The file version in the version information of a Windows program.
///
/// It is taken from the numbers, not from the text beside them, which is for people.
///
/// # Errors
/// The program is damaged or has no version information.
pub fn file_version(program: &[u8]) -> Result<Version, NoVersion> {
    let fixed = fixed_info(program)?.ok_or(NoVersion::Missing)?;
    if !fixed.is_valid() {
        return Err(NoVersion::Damaged("the version information has no signature".to_owned()));
    }
    // Not `VsFixedFileInfo::file_version`, which in goblin 0.10.7 gives the file's date.
    let (high, low) = (fixed.file_version_ms, fixed.file_version_ls);
    Ok(Version::from_parts(&[high >> 16, high & 0xffff, low >> 16, low & 0xffff]))
}

/// Only what leads to the version is parsed: what else may be odd in a program does not matter.
fn fixed_info(program: &[u8]) -> Result<Option<VsFixedFileInfo>, NoVersion> {
    let header = Header::parse(program)?;
    let Some(optional) = header.optional_header else { return Ok(None) };
    let Some(&resources) = optional.data_directories.get_resource_table() else { return Ok(None) };
    if resources.size == 0 {
        return Ok(None);
    }
    let coff = header.coff_header;
    let mut sections_at = header.dos_header.pe_pointer as usize
        + SIZEOF_PE_MAGIC
        + SIZEOF_COFF_HEADER
        + usize::from(coff.size_of_optional_header);
    let sections = coff.sections(program, &mut sections_at)?;
    let alignment = optional.windows_fields.file_alignment;
    let options = ParseOptions::default();
    let data = ResourceData::parse_with_opts(program, resources, &sections, alignment, &options)?;
    Ok(data.version_info.and_then(|version| version.fixed_info))
}
