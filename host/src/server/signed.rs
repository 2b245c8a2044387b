//! URLs that open one file for a short time, without a key.

use std::time::Duration;

use crate::ambient;

/// Makes and checks them.
#[derive(Debug)]
pub(super) struct Signer {
    secret: [u8; 32],
    lifetime: Duration,
}

/// What a signed URL opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// A file of an execution, by its guest path.
    Execution(&'a str, &'a str),
    /// A shared file of an agent, by its path below `shared/`.
    Shared(&'a str, &'a str),
}

/// Why one does not open anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Wrong,
    Late,
}

impl Signer {
    pub(super) fn new(secret: [u8; 32], lifetime: Duration) -> Signer {
        Signer { secret, lifetime }
    }

    /// The path and query of a URL that opens `target` from now on until its lifetime is over.
    pub(super) fn sign(&self, target: Target<'_>) -> String {
        let expires = ambient::now_ns() / 1_000_000_000 + self.lifetime.as_secs();
        let signature = self.signature(target, expires).to_hex();
        let (kind, owner, path) = parts(target);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("path", path);
        query.append_pair("expires", &expires.to_string());
        query.append_pair("signature", &signature);
        format!("/toolcell/v1/signed/{kind}/{owner}?{}", query.finish())
    }

    /// Whether a URL opens `target` now.
    pub(super) fn check(
        &self,
        target: Target<'_>,
        expires: u64,
        signature: &str,
    ) -> Result<(), Refusal> {
        let given = blake3::Hash::from_hex(signature).map_err(|_| Refusal::Wrong)?;
        // Comparing these hashes takes the same time wherever they differ.
        if given != self.signature(target, expires) {
            return Err(Refusal::Wrong);
        }
        match ambient::now_ns() / 1_000_000_000 < expires {
            true => Ok(()),
            false => Err(Refusal::Late),
        }
    }

    fn signature(&self, target: Target<'_>, expires: u64) -> blake3::Hash {
        let (kind, owner, path) = parts(target);
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        for part in [kind, owner, path] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        hasher.update(&expires.to_le_bytes());
        hasher.finalize()
    }
}

fn parts(target: Target<'_>) -> (&'static str, &str, &str) {
    match target {
        Target::Execution(id, path) => ("execution", id, path),
        Target::Shared(agent, path) => ("shared", agent, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_opens_what_it_was_made_for_and_nothing_else() {
        let signer = Signer::new([7; 32], Duration::from_secs(900));
        let target = Target::Execution("e1", "/home/agent/uploads/x");
        let url = signer.sign(target);
        let (_, query) = url.split_once('?').unwrap();
        let query: std::collections::HashMap<_, _> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let (expires, signature) = (query["expires"].parse().unwrap(), &query["signature"]);
        assert_eq!(signer.check(target, expires, signature), Ok(()));
        for other in [
            Target::Execution("e2", "/home/agent/uploads/x"),
            Target::Execution("e1", "/home/agent/uploads/y"),
            Target::Shared("e1", "/home/agent/uploads/x"),
        ] {
            assert_eq!(signer.check(other, expires, signature), Err(Refusal::Wrong));
        }
        assert_eq!(signer.check(target, expires + 1, signature), Err(Refusal::Wrong));
        assert_eq!(signer.check(target, expires, "zz"), Err(Refusal::Wrong));
        let other = Signer::new([8; 32], Duration::from_secs(900));
        assert_eq!(other.check(target, expires, signature), Err(Refusal::Wrong));
        let late = Signer::new([7; 32], Duration::ZERO).signature(target, 1).to_hex();
        assert_eq!(signer.check(target, 1, &late), Err(Refusal::Late));
    }
}
