//! OpenRC's service scripts.

use super::{RenderedFile, shell_word};
use crate::Dependency;
use crate::graph::Loader;

pub(super) fn render(loader: &Loader, script: &str) -> RenderedFile {
    let needs: Vec<String> = loader
        .dependencies
        .iter()
        .map(|dependency| match dependency {
            Dependency::Loader(name) => name.service(),
            Dependency::Service(name) => name.plain().to_owned(),
        })
        .collect();
    let need = if needs.is_empty() { String::new() } else { format!("\tneed {}\n", needs.join(" ")) };
    let script = shell_word(script);
    let contents = format!(
        "#!/sbin/openrc-run
# Written by kiln from the recipe's kmodloader.{name}.

description={description}

depend() {{
{need}	# What /etc/modules lists is there before, and so is not this loader's to remove.
	after modules
	# A container shares its host's kernel.
	keyword -docker -lxc -openvz -prefix -systemd-nspawn -vserver
}}

start() {{
	ebegin \"Loading the kernel modules of {name}\"
	{script} start
	eend $?
}}

stop() {{
	ebegin \"Unloading the kernel modules of {name}\"
	{script} stop
	eend $?
}}
",
        name = loader.name,
        description = shell_word(&loader.description),
    );
    RenderedFile { path: format!("services/openrc/{}", loader.name.service()), mode: 0o755, contents }
}
