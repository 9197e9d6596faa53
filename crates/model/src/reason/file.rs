//! Why a file or folder of a server cannot be used.

use super::family::family;

family! {
    /// What keeps a file or folder from being read, searched or changed.
    pub enum FileReason {
        /// There is nothing at the path.
        NotFound {
            /// The path.
            path: String,
        } => "file-not-found" ("{path} does not exist"),
        /// A symbolic link is where a file or folder should be.
        Link {
            /// The link.
            path: String,
        } => "file-is-link" ("{path} is a symbolic link, and links are not followed"),
        /// Something else is where a regular file should be.
        NotAFile {
            /// The path.
            path: String,
        } => "not-a-file" ("{path} is not a regular file"),
        /// Something else is where a folder should be.
        NotAFolder {
            /// The path.
            path: String,
        } => "not-a-folder" ("{path} is not a folder"),
        /// The file has more bytes than are read.
        TooLarge {
            /// The file.
            path: String,
            /// The most bytes.
            max: u64,
        } => "file-too-large" ("{path} is larger than {max} bytes"),
        /// A line has more bytes than are read.
        LongLine {
            /// The file.
            path: String,
            /// The most bytes.
            max: u64,
        } => "file-long-line" ("{path} has a line of more than {max} bytes"),
        /// Two names differ in case only: Windows would have one file.
        Ambiguous {
            /// The folder of both.
            folder: String,
            /// The first name.
            first: String,
            /// Another one.
            second: String,
        } => "file-ambiguous" (
            "{folder} has both `{first}` and `{second}`, which are one name on Windows"
        ),
        /// The text cannot be the name of a file or folder.
        BadName {
            /// The text.
            name: String,
        } => "not-a-file-name" ("`{name}` is not the name of a file or folder"),
        /// A path of Windows does not begin with a drive.
        NotAbsolute {
            /// The path.
            path: String,
        } => "path-without-drive" (
            "`{path}` is not a path that begins with a drive, such as `C:\\inetpub`"
        ),
        /// The path is not UTF-8.
        NotText {
            /// The path, made readable.
            path: String,
        } => "path-not-text" ("the path {path} is not text"),
        /// Others than root may write it.
        OthersMayWrite {
            /// The file or folder.
            path: String,
        } => "others-may-write" (
            "others than root may write to {path}, so what is there is not trusted"
        ),
        /// A link leads to what is neither its owner's nor was it laid by root.
        ForeignLink {
            /// The link.
            path: String,
            /// The user id of its owner.
            owner: u32,
            /// The user id of the owner of what it leads to.
            other: u32,
        } => "foreign-link" (
            "{path} is a link of user {owner}'s to what belongs to user {other}, so it is not followed"
        ),
        /// Another program has it open in a way that keeps others from it.
        InUse {
            /// The file.
            path: String,
            /// The program, as far as the system tells.
            by: String,
        } => "file-held-open" ("{path} is in use by {by}"),
        /// Somebody had it included in a server's configuration whose file it is not.
        NotTheirs {
            /// The file.
            path: String,
        } => "file-not-theirs" (
            "{path} is included by a file that others than root may write and is not theirs, so it is not \
             changed"
        ),
        /// Another file has its name than the one that was looked at.
        Exchanged {
            /// The file.
            path: String,
        } => "file-exchanged" ("{path} was exchanged while it was opened"),
        /// Links lead in a circle, or over too many folders.
        TooManyLinks {
            /// The path that was followed.
            path: String,
        } => "too-many-links" ("{path} leads over too many folders or links"),
        /// There are more files than are looked at.
        TooManyNames {
            /// The folder or the pattern.
            path: String,
            /// The most files.
            max: usize,
        } => "too-many-names" ("{path} has more than {max} names"),
        /// The operating system refused.
        Refused {
            /// The path.
            path: String,
            /// What was tried, as a verb.
            action: String,
            /// What the operating system says.
            error: String,
        } => "file-refused" ("cannot {action} {path}: {error}"),
        /// Stopgap cannot do it on this operating system yet.
        Unsupported {
            /// What, as a verb and its object.
            action: String,
        } => "not-on-this-system" ("cannot {action}: Stopgap does not do that on this system yet"),
        /// The file that is to be changed is not there any more.
        Gone {
            /// The file.
            path: String,
        } => "file-gone" ("{path} does not exist any more"),
        /// Another process holds a lock on the file.
        Locked {
            /// The file.
            path: String,
        } => "file-in-use" ("{path} is locked by another process"),
        /// The file is not the one that the change was made for.
        Changed {
            /// The file.
            path: String,
        } => "file-changed-meanwhile" ("{path} was changed by something else"),
        /// The file is marked as read-only.
        ReadOnly {
            /// The file.
            path: String,
        } => "file-read-only" ("{path} is read-only"),
        /// The file has a second name.
        HardLinked {
            /// The file.
            path: String,
        } => "file-hard-linked" ("{path} has more than one name (hard links)"),
        /// The file or its folder has the attribute that keeps it from being changed.
        Immutable {
            /// The file.
            path: String,
        } => "file-immutable" ("{path} is immutable (chattr +i or +a)"),
        /// Nothing can be written to the file system.
        ReadOnlyDisk {
            /// The file.
            path: String,
        } => "disk-read-only" ("{path} is on a read-only file system"),
        /// The file is a mount point that others than root may write.
        Mounted {
            /// The file.
            path: String,
        } => "file-is-mount" ("{path} is a mount point that others than root may write"),
        /// The file was written itself, and that failed half-way.
        Torn {
            /// The file.
            path: String,
            /// What the operating system says.
            error: String,
        } => "file-torn" ("{path} was written half: {error}"),
        /// The owner, the permissions or an attribute could not be given to the new file.
        NotCarriedOver {
            /// The file.
            path: String,
            /// What could not be carried over.
            what: String,
            /// What the operating system says.
            error: String,
        } => "not-carried-over" ("the {what} of {path} cannot be carried over: {error}"),
        /// The file was replaced, and the folder could not be written to the disk.
        NotDurable {
            /// The file.
            path: String,
            /// What the operating system says.
            error: String,
        } => "file-not-durable" (
            "{path} was replaced, but may not survive a power failure: {error}"
        ),
        /// A server has more configuration files than are read.
        ConfigFiles {
            /// The most files.
            most: usize,
        } => "config-files-too-many" ("the server has more than {most} configuration files"),
        /// The configuration files of a server have more bytes than are read.
        ConfigBytes {
            /// The most bytes, of all files together.
            most: usize,
        } => "config-files-too-large" (
            "the server's configuration files have more than {most} bytes together"
        ),
        /// A name cannot be one on Windows.
        NotAWindowsName {
            /// The folder.
            folder: String,
            /// The name in it, made readable.
            name: String,
        } => "not-a-windows-name" ("`{name}` in {folder} cannot be a name on Windows"),
        /// There are more folders, names, levels or files than are searched.
        SearchTooLarge {
            /// What there is too much of.
            what: String,
            /// How many are looked at.
            limit: usize,
        } => "search-too-large" ("there are more than {limit} {what}"),
        /// Only folders of Windows are searched.
        NotSearched {
            /// The folder.
            folder: String,
        } => "folder-not-searched" (
            "{folder} is not a folder of Windows, and only those are searched"
        ),
    }
}
