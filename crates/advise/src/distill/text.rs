//! A distilled recipe as TOML.

use kiln_recipe::Data;

use super::Needed;

/// A comment is cut at this many characters.
const WIDTH: usize = 100;

/// The text around the requests.
#[derive(Debug, Clone, Default)]
pub struct Heading {
    /// Comment lines at the top.
    pub comments: Vec<String>,
    /// Options under `[kernel]` with their values in TOML.
    pub kernel: Vec<(String, String)>,
    /// Comment lines at the end: parts of the file that have no place in the recipe.
    pub leftover: Vec<String>,
}

/// Returns the recipe as TOML: each menu as a comment, each request with its prompt.
pub fn text(heading: &Heading, needed: &[Needed]) -> String {
    let mut out = String::new();
    heading.comments.iter().for_each(|line| out += &comment(line));
    out += "\n[kernel]\n";
    for (name, value) in &heading.kernel {
        out += &format!("{name} = {value}\n");
    }
    out += "\n[kernel.config]\n";
    let mut menus: Option<&[String]> = None;
    for request in needed {
        if menus != Some(&request.menus) {
            let gap = if menus.is_some() { "\n" } else { "" };
            let path = if request.menus.is_empty() { "Top".to_owned() } else { request.menus.join(" > ") };
            out += &format!("{gap}{}", comment(&path));
            menus = Some(&request.menus);
        }
        let line = format!("{} = {}", request.symbol, Data::Text(request.written()));
        let prompt = request.prompt.as_ref().map(|prompt| format!("  {}", comment(prompt)));
        out += &prompt.map_or_else(|| format!("{line}\n"), |prompt| format!("{line}{prompt}"));
    }
    if !heading.leftover.is_empty() {
        out.push('\n');
        heading.leftover.iter().for_each(|line| out += &comment(line));
    }
    out
}

impl Needed {
    /// Returns the value as a recipe has it: a string without quotes, unless it would be read as something else.
    pub fn written(&self) -> String {
        let value = &self.value;
        let is_plain = !value.trim().is_empty() && !value.starts_with('"');
        if !self.is_text || is_plain {
            return value.clone();
        }
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Returns a comment line with its newline; characters that a comment cannot have become `?`.
fn comment(text: &str) -> String {
    let shown: String = text.chars().take(WIDTH).map(|c| if c.is_control() { '?' } else { c }).collect();
    let cut = if text.chars().count() > WIDTH { "…" } else { "" };
    format!("# {shown}{cut}\n")
}
