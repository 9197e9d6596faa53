//! What is installed, from the files alone: Exchange, PHP under IIS, the distribution's packages.

mod exchange;
mod packages;
pub mod pe;
mod php;

pub use exchange::exchange_facts;
pub use packages::packages;
pub use php::php_facts;
