//! Finishes a module after it is built: strips debug information, and signs it where the config signs modules.

use std::ffi::OsString;
use std::path::Path;

use kiln_exec::{Exec, ExecError};
use kiln_kconfig::Config;

use crate::signing::Signing;
use crate::toolchain::Toolchain;

/// The inputs for stripping and signing modules.
pub(crate) struct Finish<'a> {
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) config: &'a Config,
    pub(crate) signing: Option<&'a Signing>,
    /// The tree's `sign-file`, when there is one.
    pub(crate) sign_file: Option<&'a Path>,
    /// The certificate that the kernel has, alone or in the file of the key.
    pub(crate) certificate: &'a Path,
    /// The directory in which the programs run.
    pub(crate) dir: &'a Path,
}

impl Finish<'_> {
    /// Strips and signs a module. Strips first: a signature covers every byte, so it does not survive stripping.
    ///
    /// # Errors
    /// Returns the errors of the programs.
    pub(crate) fn module(&self, file: &Path) -> Result<(), ExecError> {
        let strip = self.toolchain.programs().name("strip");
        self.exec(strip).arg("--strip-debug").arg(file).text()?;
        let signs = self.config.get("MODULE_SIG_ALL") == Some("y");
        if let (true, Some(sign_file), Some(signing)) = (signs, self.sign_file, self.signing) {
            let hash = self.config.get("MODULE_SIG_HASH").unwrap_or("\"sha512\"").trim_matches('"').to_owned();
            let key = [signing.path().to_owned(), self.certificate.to_owned(), sign_file.to_owned()];
            let writable = [file.parent().unwrap_or(self.dir), self.dir];
            let exec = self.exec(sign_file).confined(self.toolchain.host().sandbox(), &[], &writable).reading(&key);
            exec.arg(hash).arg(signing.path()).arg(self.certificate).arg(file).text()?;
        }
        Ok(())
    }

    fn exec(&self, program: impl Into<OsString>) -> Exec {
        Exec::new(program.into()).env("PATH", self.toolchain.path()).env("LC_ALL", "C").dir(self.dir)
    }
}
