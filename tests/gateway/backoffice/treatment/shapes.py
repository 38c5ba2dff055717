"""The ways in which pages show a field, each with `{}` where its value stands."""

from __future__ import annotations

from typing import Final

WORDS: Final = (
    "<p>Sort <b>code</b>: {}</p>",
    "<p>S<b>ort</b> code: {}</p>",
    "<p><b>Sort</b> <i>code</i> {}</p>",
    "<p><font><b>Sort</b></font><font> code </font>: <tt>{}</tt></p>",
    "<p>Sort&nbsp;code:&nbsp;{}</p>",
    "<p>Sort&shy;code: {}</p>",
    "<p>S&#8203;ort code: {}</p>",
    "<p>&#xFF33;ort code: {}</p>",
    "<p>SORT_CODE={}</p>",
    "<p>Sort code <em>(6 digits)</em>: {}</p>",
    "<p>Account <b>number</b>/<b>sort code</b>: {}</p>",
    "<p>Sort code:<br>{}</p>",
    "<p>Sort code<br>{}<br>Name</p>",
    "<b>Sort code</b><br><br>{}",
    "<p>Sort code:</p><p>{}</p>",
    "<div>Her sort code:</div><div>{}</div>",
    "<p><span>Sort code</span><span>:</span><span>{}</span></p>",
    "<span>Sort code</span> <!-- c --> <span>{}</span>",
    "<p>Sort code: <select><option>{}</select></p>",
    "<p>Sort code: <input value='{}'></p>",
    "<p>Sort code: <span title='{}'>x</span></p>",
    "<pre>name: x\nsort code: {}\n</pre>",
    "<textarea>Sort code: {}</textarea>",
    "<svg><text>Sort code: {}</text></svg>",
    "<title>Sort code: {}</title>x",
)
BESIDE: Final = (
    "<div>Sort <b>code</b></div><div>{}</div>",
    "<div><span>Sort</span> <span>code</span></div><div>{}</div>",
    "<div><p>Sort code</p></div><div><p>{}</p></div>",
    "<div>Sort code</div>{}",
    "<p class=q>Sort code</p><p class=a>{}</p>",
    "<div>Sort code <span class=hint>As on your card</span></div><div>{}</div>",
    "<h3>Sort code</h3><div><p>{}</p></div><h3>Other</h3>",
    "<ul><li><b>Sort code</b> {}</li></ul>",
    "<ul><li><span>Sort code</span></li><li>{}</li></ul>",
    "<details><summary>Sort code</summary>{}</details>",
    "<figure><figcaption>Sort code</figcaption><p>{}</p></figure>",
    "<fieldset><legend>Sort code</legend><input value='{}'></fieldset>",
    "<x-row><x-cell>Sort code</x-cell><x-cell>{}</x-cell></x-row>",
    "<div><span>Name</span><span>Sort code</span></div><div><span>N</span><span>{}</span></div>",
    "<div><span>Sort code</span><span>Name</span></div><div><span>{}</span><span>N</span></div>",
    "<dl><dt>Your sort code (6 digits)</dt><dd><p>{}</p></dd></dl>",
    (
        "<dl><div class=govuk-summary-list__row><dt>Sort <span>code</span></dt><dd>{}</dd>"
        "<dd><a href=/x>Change<span> sort code</span></a></dd></div></dl>"
    ),
    "<div><div><dt>Sort code</dt></div><div><dd>{}</dd></div></div>",
    "<label for=q>What is your sort code?</label><input id=q value='{}'>",
    "<label>Sort code<input value='{}'></label>",
    "<label for=q>Sort code</label><div id=q>{}</div>",
    "<div><div><label>Sort code</label></div><div>{}</div></div>",
)
TABLES: Final = (
    (
        "<table><thead><tr><th>Name</th><th>Sort code</th></tr></thead>"
        "<tbody><tr><td>A</td><td>{}</td></tr></tbody></table>"
    ),
    (
        "<table><thead><tr><th rowspan=2>Name</th><th colspan=2>Bank</th></tr>"
        "<tr><th>Sort <i>code</i></th><th>No</th></tr></thead>"
        "<tbody><tr><td>A</td><td>{}</td><td>n</td></tr></tbody></table>"
    ),
    (
        "<table><tr><th scope=col>Name<th scope=col><a href='?s=1'>Sort code</a>"
        "<tr><th scope=row>A<td>{}</table>"
    ),
    "<table><tr><th>Name<th>Her sort code<th></tr><tr><td>A<td>{}<td>x</table>",
    "<table><tr><th>Name<th>Sort code<td>edit<tr><td>A<td>{}<td>edit</table>",
    "<table><tr><th rowspan=2>Sort code<td>a<tr><td>{}</table>",
    "<table><tr><td rowspan=3>A<td>Name<td>Sort code<tr><td>N<td>{}</table>",
    "<table><tr><td>Town<td>W<tr><td>Sort code<tr><td>{}</table>",
    "<table><tr><td><b>Sort code</b></td><td><input value='{}'></td></tr></table>",
    "<table><tr><td><label>Sort code</label></td><td><input value='{}'></td></tr></table>",
    "<table><caption>Sort code</caption><tr><td>{}</table>",
    "<table><tr><td data-th='Sort code'>{}</table>",
    "<table><tr><th id=h1>Sort code<tr><td>A</table><table><tr><td headers=h1>{}</table>",
    "<table><tr><td>x<table><tr><th>Sort code<tr><td>{}</table></table>",
    (
        "<div role=table><div role=rowgroup><div role=row><span role=columnheader>Name</span>"
        "<span role=columnheader>Sort code</span></div></div>"
        "<div role=row><span role=cell>A</span><span role=cell>{}</span></div></div>"
    ),
    "<div role=row><span role=rowheader>Sort code</span><span role=cell>{}</span></div>",
)
PROGRAMS: Final = (
    "<input name=P_SORT_CODE value='{}'>",
    "<input id=txtsortcode value='{}'>",
    "<input type=hidden name=p_sort_code value='{}'>",
    "<span id=ctl00_lblSortCode>{}</span>",
    "<span class=xSortCodeValue>{}</span>",
    "<select name=sortCode2><option selected>{}</select>",
    "<input aria-label='Your sort code' value='{}'>",
    "<sort-code>{}</sort-code>",
    "<x-sort-code-field v='{}'></x-sort-code-field>",
    "<data class=sort-code value='{}'>x</data>",
    "<meta name=sort_code content='{}'>",
    "<p data-p-sort-code='{}'>x</p>",
    "<a href='/x?P_SORT_CODE={}'>x</a>",
    "<a href='/sort-code/{}'>x</a>",
    "<a href='/x?q=sort%255Fcode%253D{}'>x</a>",
    "<p aria-label='Sort code: {}'>x</p>",
    "<img alt='Sort code {}'>",
)
LEFT_OUT: Final = (  # without a look at what in them is the value
    '<div data-all=\'{{"label":"Sort code","value":"{}"}}\'>x</div>',
    '<div data-all=\'["sort_c\\u006fde","{}"]\'>x</div>',
    "<!-- sort code {} --><p>x</p>",
    "<?pi sort code {}?>x",
    "<script>var sortCode='{}'</script>x",
    '<script type=application/json>{{"sort_code":"{}"}}</script>x',
    "<template><p class=sort-code>{}</p></template>x",
    "<noscript>Sort code: {}</noscript>x",
    "<iframe srcdoc='Sort code: {}'></iframe>x",
    "<a href=\"javascript:go('sort_code','{}')\">x</a>",
    "<a onclick=\"go('{}')\" class=sort-code>x</a>",
)
FOUND: Final = (*WORDS, *BESIDE, *TABLES, *PROGRAMS)
