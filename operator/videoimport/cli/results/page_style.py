"""The style sheet of the results page. It has colors for light and dark screens, and no address of any file."""

STYLE = """
:root{color-scheme:light dark;--line:#d5d9de;--dim:#5c6570;--bad:#b3261e;--card:#f6f7f9;--link:#0b57d0}
@media(prefers-color-scheme:dark){:root{--line:#3a4048;--dim:#9aa4af;--bad:#ff8a80;--card:#1d2126;--link:#8ab4f8}}
*{box-sizing:border-box}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:78rem;padding:0 1.25rem;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:0}
h2{font-size:1.15rem;margin:2.25rem 0 .75rem}
a{color:var(--link)}
.dim,footer{color:var(--dim)}
.counts{display:flex;flex-wrap:wrap;gap:.5rem;list-style:none;margin:1rem 0 0;padding:0}
.counts li{border:1px solid var(--line);border-radius:.5rem;padding:.3rem .8rem}
.counts b{font-size:1.15rem}
.problems{list-style:none;margin:0;padding:0}
.problems li{border-left:4px solid var(--bad);background:var(--card);margin:0 0 .6rem;padding:.55rem .9rem}
.reason{color:var(--bad);font-weight:600}
.sheet{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));list-style:none;margin:0}
.sheet{padding:0}
.sheet li{background:var(--card);border-radius:.5rem;overflow:hidden}
.frame{aspect-ratio:16/9;background:#000;color:#9aa4af;display:grid;place-items:center;position:relative}
.frame img{height:100%;object-fit:contain;width:100%}
.frame span{background:#000c;border-radius:.25rem;bottom:.4rem;color:#fff;padding:0 .35rem;position:absolute}
.frame span{right:.4rem}
.about{padding:.55rem .8rem .75rem}
.about b{display:block}
footer{border-top:1px solid var(--line);margin-top:2.5rem;padding-top:.75rem}
"""
