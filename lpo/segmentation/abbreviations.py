"""What a full stop after a Latin-script word means: the word lists behind `stops.ends_sentence`.

An abbreviation is filed by what may follow it. The lists hold common knowledge of English (with the Latin, French, German and
Spanish forms that English text uses), in lower case and without the last full stop.
"""

# A name follows: the stop never ends a sentence.
TITLES = frozenset(
    "mr mrs ms mx dr drs prof profs messrs mme mmes mlle rev revd hon gen lt col maj capt cpt cmdr cdr adm sgt cpl pvt brig "
    "gov sen sens rep reps pres supt insp det dir pastor fr bro sr. sra srta hr fam st ste mt ft pt ven vis bp abp "
    "asst assoc atty".split()
)

# A number, a letter or a bracket follows: "Fig. 3", "No. 5", "Eq. (7)", "pp. 14". Before anything else the word may be an ordinary one ("no.").
REFERENCES = frozenset(
    "no nos nr fig figs eq eqs eqn eqns sec secs sect ch chap chs vol vols p pp pg pgs par para paras art arts tab tabs thm thms lem "
    "lemm prop props def defn defs cor ex exs ref refs alg algs app appx ln bk pl rev ed eds ext rm apt ste sp op opp cat ver vers "
    "ser iss issue inst qu sup suppl fol ff lib col cols tel fax tbl ca c v vs".split()
)

# Something always follows: "e.g. this", "cf. that".
CONNECTIVES = frozenset(
    "e.g eg i.e ie cf viz vs approx appr ca resp w.r.t wrt w.l.o.g wlog s.t a.k.a aka incl excl esp orig i.a z.b d.h u.a bzw ggf p.ex q.v "
    "sc viz fka n.b abbr pron pl sing trans transl trad illus".split()
)

# May end a sentence or not: decided by what follows.
OPEN_ENDED = frozenset(
    "etc al inc ltd co corp llc bros jr sr esq ph.d phd m.d md b.a m.a b.sc m.sc bsc msc d.phil ll.b "
    "dept univ assn acad inst intl natl dist est min max avg temp hr hrs sec secs mins yr yrs mo mos wk wks lb lbs oz gal "
    "ft sq cu in. qt pt pts doz jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun ave blvd "
    "rd hwy ln pkwy sq bldg fl mfr mfg mgr misc no. tel attn encl cont ibid op.cit loc.cit a.m p.m am. pm. a.d b.c b.c.e c.e u.s u.k u.n "
    "e.u d.c n.y l.a st ca. plc gmbh ag pty pp".split()
)

# Clock time and lists end a sentence before any capital except those of a date or a time zone.
ENDS_BEFORE_CAPITAL = frozenset("etc a.m p.m ibid".split())
DATES_AND_ZONES = frozenset(
    "january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct "
    "nov dec monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thurs fri sat sun est edt cst cdt mst mdt pst pdt "
    "gmt utc cet cest bst eastern pacific central".split()
)

MONTHS = frozenset(
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun".split()
)

# Capitalised words that open sentences far more often than they continue a name.
STARTERS = frozenset(
    "a an the this that these those there here it its he his she her hers they their we our you your i my me one some any all both each "
    "every many most few several no none nobody nothing such other another who what when where why how which whose if unless "
    "although though while whereas since because as after before until once and but or nor so yet for then thus hence therefore however moreover "
    "furthermore meanwhile otherwise instead also still only even just perhaps maybe yes well now later soon today yesterday tomorrow "
    "finally first firstly second secondly third next last again in on at by to from of with without within under over during between among "
    "about against through despite according is are was were be been do does did has have had can could will would shall should may might must "
    "let see note suppose assume consider given recall find show prove please thank thanks".split()
)
STARTERS |= frozenset(
    "i'm i've i'll i'd it's he's she's that's there's let's we're we've we'll they're you're don't isn't what's".split()
)

# Lower-case words before an initial: "by J. Smith", "of W. Blake".
BEFORE_INITIALS = frozenset(
    "by of and & with to from for in on at the as than or but like see via named called president senator author poet composer "
    "actor director professor artist von van de der den di da del la le".split()
)

REPORTING_VERBS = (
    "said|says|asked|asks|replied|replies|answered|cried|shouted|yelled|whispered|murmured|muttered|exclaimed|added|continued|called|screamed|"
    "wondered|thought|demanded|insisted|laughed|sighed|snapped|growled|repeated|began|agreed|admitted|announced|declared|remarked|observed|"
    "suggested|told|wrote|warned|begged|pleaded|inquired|enquired|interrupted|explained|responded|retorted|groaned|gasped|hissed|roared|sang"
)
