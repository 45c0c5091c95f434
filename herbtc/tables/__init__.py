"""Tables for publication, as `great_tables.GT` objects: evidence, appraisal, summary of findings.

What is returned can be styled further and written as HTML (``as_raw_html``), LaTeX (``as_latex``) or a picture
(``save``). All text is escaped. Nothing here knows a catalog: the functions take frames and results, anyone's too. The
frames of `herbtc.query` themselves go into ``to_latex`` and ``to_excel`` as they are.

Signs are kept to those that LaTeX sets with any engine; text of your own beyond Western European letters needs LuaLaTeX
or XeLaTeX.
"""

from herbtc.tables._appraisal import appraisal
from herbtc.tables._evidence import evidence
from herbtc.tables._findings import Certainty, summary_of_findings

__all__ = ["Certainty", "appraisal", "evidence", "summary_of_findings"]
