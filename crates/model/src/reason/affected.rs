//! Whether a mitigation is for a server.

use std::fmt;

use serde::Serialize;

use super::Reasons;
use super::family::family;
use crate::server_path::ServerPath;

/// A product with its version, as it was found or declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Product {
    /// Its name for a person, such as `Exchange` or `the package openssl`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its role, where that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Where it is, where several may stand side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<ProductPlace>,
}

/// Where a product was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProductPlace {
    /// In this program.
    Program(ServerPath),
    /// With this main configuration file.
    Configuration(ServerPath),
    /// It was declared in this file.
    Declared(String),
}

/// `Exchange 15.2.1118.7 with the role mailbox`, `PHP 8.1.28 in C:\php-cgi.exe`.
impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)?;
        if let Some(role) = &self.role {
            write!(f, " with the role {role}")?;
        }
        self.place.as_ref().map_or(Ok(()), |place| write!(f, "{place}"))
    }
}

/// With what parts it from the words before it.
impl fmt::Display for ProductPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(path) => write!(f, " in {path}"),
            Self::Configuration(path) => write!(f, " with {path}"),
            Self::Declared(file) => write!(f, ", declared in {file},"),
        }
    }
}

family! {
    /// Why a mitigation is for this server, is not, or why that is not known.
    pub enum AffectedReason {
        /// The mitigation names no product.
        EveryServer => "for-every-server" ("it is for every server"),
        /// This version of the product is vulnerable.
        Affected {
            /// The product.
            product: Product,
        } => "affected" ("{product} is affected"),
        /// This version of the product has the vendor's fix.
        HasFix {
            /// The product.
            product: Product,
            /// The first version of its branch that has the fix.
            fixed: String,
        } => "has-fix" ("{product} has the fix, which came with {fixed}"),
        /// The vulnerability came with a later version.
        TooOld {
            /// The product.
            product: Product,
        } => "older-than-affected" ("{product} is older than the first affected version"),
        /// The action is for older versions only.
        NotBelow {
            /// The product.
            product: Product,
            /// The first version that the action is not for.
            limit: String,
        } => "not-below" ("{product} is not below {limit}"),
        /// The product is not there.
        NotInstalled {
            /// Its name for a person.
            product: String,
        } => "not-installed" ("{product} is not installed here"),
        /// IIS runs no php-cgi.exe.
        NoPhpCgi => "no-php-cgi" ("IIS does not run PHP as a CGI program here"),
        /// The distribution's package is not installed.
        PackageNotInstalled {
            /// The package.
            package: String,
            /// The list that was read.
            list: String,
        } => "package-not-installed" ("the package {package} is not installed ({list})"),
        /// No list of packages is there.
        NoPackageManager => "no-package-manager" ("no package manager keeps packages here"),
        /// The package is of another distribution.
        OtherDistribution {
            /// What the names of packages begin with here.
            here: String,
            /// What that of the product begins with.
            asked: String,
        } => "other-distribution" ("the packages here are {here}…, not {asked}…"),
        /// Only other roles are affected.
        RoleNotAffected {
            /// The role that is installed.
            role: String,
        } => "role-not-affected" ("the role {role} is not affected"),
        /// No role is installed that is affected.
        NoAffectedRole => "no-affected-role" ("no affected role is installed"),
        /// The mitigation names products, and none of them is asked for.
        NoProduct => "for-no-product" ("it is for no product"),
        /// Whether the product is installed could not be read.
        InstalledUnknown {
            /// Its name for a person.
            product: String,
            /// Why.
            why: Reasons,
        } => "installed-unknown" ("whether {product} is installed is not known: {why}"),
        /// Whether IIS runs PHP could not be read.
        PhpUnknown {
            /// Why.
            why: Reasons,
        } => "php-unknown" ("whether IIS runs PHP is not known: {why}"),
        /// The list of packages could not be read.
        PackagesUnknown {
            /// Why.
            why: Reasons,
        } => "packages-unknown" ("the installed packages are not known: {why}"),
        /// The version could not be read.
        VersionUnknown {
            /// The product, and where it is.
            product: String,
            /// Why.
            why: Reasons,
        } => "version-unknown" ("the version of {product} is not known: {why}"),
        /// The program carries no version.
        NoVersion {
            /// The product, and where it is.
            product: String,
        } => "no-version" ("{product} has no version"),
        /// The role could not be read.
        RoleUnknown {
            /// The product.
            product: String,
            /// Why.
            why: Reasons,
        } => "role-unknown" ("the role of {product} is not known: {why}"),
        /// The product has no roles that could be told apart, and the mitigation asks for one.
        NoRoles {
            /// The product.
            product: String,
        } => "roles-not-told-apart" ("in which role {product} is used is not known"),
        /// This version of Stopgap cannot find the product.
        CannotIdentify {
            /// The product.
            product: String,
        } => "cannot-identify" (
            "this version of Stopgap cannot tell whether {product} is installed; if it is, {}",
            how_to_declare(.product)
        ),
        /// The product cannot be found by itself, such as a library, and nobody declared it.
        Undeclared {
            /// The product.
            product: String,
        } => "undeclared" (
            "nobody declared {product}, which cannot be found by itself; if it is in use here, {}",
            how_to_declare(.product)
        ),
        /// Nothing needs the protection any more, and something that does it is still there.
        NoLongerNeeded {
            /// What.
            what: Reasons,
        } => "no-longer-needed" ("no longer needed: {what}"),
        /// Rules of others protect from a threat that is over.
        OthersNoLongerNeeded {
            /// The names of the rules.
            rules: Vec<String>,
        } => "others-no-longer-needed" ("no longer needed, and not ours: {}", super::quoted(.rules)),
    }
}

fn how_to_declare(product: &str) -> String {
    format!("declare it in policy.toml: [[product]] id = \"{product}\", version = \"…\"")
}
