//! What is done to a module after it is built: stripped of debug information, and signed where the config signs modules.

use std::ffi::OsString;
use std::path::Path;

use kiln_exec::{Exec, ExecError};
use kiln_kconfig::Config;

use crate::signing::Signing;
use crate::toolchain::Toolchain;

/// What strips and signs a module.
pub(crate) struct Finish<'a> {
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) config: &'a Config,
    pub(crate) signing: Option<&'a Signing>,
    /// The tree's `sign-file`, when there is one.
    pub(crate) sign_file: Option<&'a Path>,
    /// The certificate that the kernel has, alone or in the file of the key.
    pub(crate) certificate: &'a Path,
    /// Where the programs run.
    pub(crate) dir: &'a Path,
}

impl Finish<'_> {
    /// Strips first: a signature covers every byte, and does not survive it.
    ///
    /// # Errors
    /// What the programs say.
    pub(crate) fn module(&self, file: &Path) -> Result<(), ExecError> {
        let strip = self.toolchain.programs().name("strip");
        self.exec(strip).arg("--strip-debug").arg(file).text()?;
        let signs = self.config.get("MODULE_SIG_ALL") == Some("y");
        if let (true, Some(sign_file), Some(signing)) = (signs, self.sign_file, self.signing) {
            let hash = self.config.get("MODULE_SIG_HASH").unwrap_or("\"sha512\"").trim_matches('"').to_owned();
            self.exec(sign_file).arg(hash).arg(signing.path()).arg(self.certificate).arg(file).text()?;
        }
        Ok(())
    }

    fn exec(&self, program: impl Into<OsString>) -> Exec {
        Exec::new(program.into()).env("PATH", self.toolchain.path()).env("LC_ALL", "C").dir(self.dir)
    }
}
