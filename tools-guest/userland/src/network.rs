//! `curl` and `wget`: there is no network, and they say so with their own words and statuses.

/// Neither tries anything: a cell has no sockets.
pub(crate) fn run(name: &str, words: &[String]) -> i32 {
    for word in words {
        toolcell_program::help::answer(name, word, &[]);
    }
    let target = words
        .iter()
        .filter(|word| !word.starts_with('-'))
        .find(|word| word.contains("://") || word.contains('.'));
    let Some(target) = target else {
        eprintln!("{name}: no URL specified");
        return if name == "wget" { 1 } else { 2 };
    };
    let rest = target.split_once("://").map_or(target.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = host.split(':').next().unwrap_or(host);
    match name {
        "wget" => eprintln!("wget: unable to resolve host address ‘{host}’"),
        _ => eprintln!("curl: (6) Could not resolve host: {host}"),
    }
    eprintln!("{name}: this cell has no network; files come in through uploads/");
    if name == "wget" { 4 } else { 6 }
}
