//! One file for each command.

pub(crate) mod add;
pub(crate) mod bundle;
pub(crate) mod import_iis;
pub(crate) mod init;
pub(crate) mod lint;
pub(crate) mod mirror;
pub(crate) mod publish;
pub(crate) mod rotate;
pub(crate) mod serve;
pub(crate) mod sign;
pub(crate) mod status;
pub(crate) mod r#try;
pub(crate) mod verify;
pub(crate) mod withdraw;
