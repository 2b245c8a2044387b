//! What `bc -l` defines: sine, cosine, arctangent, natural logarithm, exponential and Bessel
//! functions, in bc's own language. Each works with more digits than are asked for and cuts them
//! off at the end.

/// The functions.
pub(crate) const LIBRARY: &str = r"
define e(x) {
  auto n, s, t, k, z, m
  if (x < 0) {
    z = scale
    scale = z + length(x)
    t = e(-x)
    if (t == 0) { scale = z; return (0) }
    scale = z
    return (1 / t)
  }
  z = scale
  k = 0
  s = z + 8 + .44 * x
  scale = s
  while (x > 1) { x = x / 2; k += 1; scale += 1 }
  n = 1 + x
  t = x
  m = 1
  while (1) {
    m += 1
    t = t * x / m
    if (t == 0) break
    n += t
  }
  while (k > 0) { n = n * n; k -= 1 }
  scale = z
  return (n / 1)
}
define l(x) {
  auto z, f, n, t, m, v
  if (x <= 0) { z = scale; scale = 0; v = (1 - 10 ^ z) / 1; scale = z; return (v) }
  z = scale
  scale = z + 8
  f = 2
  while (x >= 2) { f *= 2; x = sqrt(x) }
  while (x <= .5) { f *= 2; x = sqrt(x) }
  scale += length(f)
  n = (x - 1) / (x + 1)
  t = n * n
  v = n
  m = 1
  while (1) {
    m += 2
    n = n * t
    if (n / m == 0) break
    v += n / m
  }
  v = f * v
  scale = z
  return (v / 1)
}
define s(x) {
  auto z, n, t, m, v, q
  z = scale
  scale = 1.1 * z + 2 + length(x)
  v = a(1)
  q = 0
  if (x < 0) { q = 1; x = -x }
  scale = 0
  n = (x / v + 2) / 4
  x = x - 4 * n * v
  if (n % 2) x = -x
  scale = z + 4
  t = -x * x
  v = x
  n = x
  m = 1
  while (1) {
    m += 2
    n = n * t / (m * (m - 1))
    if (n == 0) break
    v += n
  }
  scale = z
  if (q) return (-v / 1)
  return (v / 1)
}
define c(x) {
  auto z, v
  z = scale
  scale = scale * 1.2 + 2
  v = s(x + a(1) * 2)
  scale = z
  return (v / 1)
}
define a(x) {
  auto z, q, n, t, m, v, k
  q = 1
  if (x < 0) { q = -1; x = -x }
  z = scale
  scale = z + 8
  k = 0
  while (x > .2) { x = x / (1 + sqrt(1 + x * x)); k += 1 }
  v = x
  n = x
  t = -x * x
  m = 1
  while (1) {
    m += 2
    n = n * t
    if (n / m == 0) break
    v += n / m
  }
  while (k > 0) { v = v * 2; k -= 1 }
  scale = z
  return (q * v / 1)
}
define j(n, x) {
  auto z, v, t, m, f, q, s
  z = scale
  scale = 0
  n = n / 1
  s = 1
  if (n < 0) { n = -n; if (n % 2) s = -1 }
  scale = 1.5 * z + length(x) + 6 + n
  f = 1
  for (m = 2; m <= n; m++) f = f * m
  t = (x / 2) ^ n / f
  v = t
  q = -x * x / 4
  m = 0
  while (1) {
    m += 1
    t = t * q / (m * (n + m))
    if (t == 0) break
    v += t
  }
  scale = z
  return (s * v / 1)
}
";
