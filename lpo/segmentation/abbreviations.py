"""The words behind `full_stops`: abbreviations, filed by what may follow them, and words that open sentences.

Common knowledge of English (with the Latin, French, German and Spanish forms that English text uses), in lower case,
without the last full stop.
"""


def _words(listing: str) -> frozenset[str]:
    return frozenset(listing.split())


# A name follows.
TITLES = _words(
    """
    mr mrs ms mx dr drs prof profs messrs mme mmes mlle rev revd gen lt maj capt cpt cmdr cdr adm sgt cpl pvt brig
    gov sen sens reps pres supt insp pastor fr sra srta hr fam atty hon ven col rep asst assoc dipl-ing mgr
    """
)

# Something always follows.
CONNECTIVES = _words(
    """
    e.g eg i.e ie cf viz vs approx appr resp w.r.t wrt w.l.o.g wlog s.t a.k.a aka incl excl esp z.b d.h bzw ggf p.ex
    q.v n.b abbr pron trans transl illus ca
    """
)

# A number, a letter or a bracket follows: "Fig. 3", "Eq. (7)", "pp. 14".
REFERENCES = _words(
    """
    no nos nr n° nº fig figs eq eqs eqn eqns sec secs sect ch chap chs vol vols pp pg pgs para paras art arts tab
    tabs thm thms lem lemm prop props def defn defs cor ex exs ref refs alg algs app appx ln bk pl ed eds ext rm apt
    ste cat ver vers ser iss suppl op col cols tel fax tbl rev
    """
)

# May end a sentence or not.
OPEN_ENDED = _words(
    """
    etc inc ltd co corp llc bros jr sr esq ph.d phd dphil md mba bsc msc dept univ assn acad inst intl natl dist est
    min max avg temp hr hrs sec secs mins yr yrs mo mos wk wks lb lbs oz gal sq cu qt pt pts doz jan feb mar apr jun
    jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun st ste mt ft ave blvd rd hwy ln pkwy
    bldg fl mfr mfg misc tel attn encl cont ibid op.cit loc.cit plc gmbh ag pty deg calif fla mich minn wis conn
    tenn okla ariz colo ph.ds hon d.phil b.sc m.sc
    """
)

# Written in small letters these are, or may be, ordinary words: "He sat. Mary stood."
ORDINARY = _words(
    """
    no art arts app par tab tabs prop props cat ex col def ref pl ext ser inst sat sun mar wed mon mo gal fl cont
    rep ag est rev dist ed fr alg cor hon ste mt ave fig cols
    """
)

# Clock times and lists end a sentence before any capital except that of a date or a time zone.
END_BEFORE_CAPITALS = _words(
    """
    etc a.m p.m ibid
    """
)
DATES_AND_ZONES = _words(
    """
    january february march april may june july august september october november december jan feb mar apr jun jul
    aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thurs fri
    sat sun est edt cst cdt mst mdt pst pdt gmt utc cet cest bst eastern pacific central
    """
)

# Measures without a vowel that end sentences as ordinary words do.
UNITS = _words(
    """
    km kg cm mm ml ms nm dl hz mhz ghz khz kb mb gb tb kw mw kwh mph kph rpm db kn pt px hmm hm pm tv pc cd dvd
    """
)

# Capitalised words that open sentences far more often than they continue a name.
STARTERS = _words(
    """
    everyone everybody everything someone somebody something anyone anybody anything neither either a an the this
    that these those there here it its he his she her hers they their theirs we our you your i my me
    one some any all both each every many most few several no none nobody nothing such other others another who what
    when where why how which whose if unless although though while whereas since because as after before until once
    and but or nor so yet for then thus hence therefore however moreover furthermore meanwhile otherwise instead
    also still only even just perhaps maybe yes well now later soon today yesterday tomorrow tonight finally first
    firstly second secondly third thirdly next last lastly again in on at by to from of with without within under
    over during between among about against through despite according is are was were be been do does did has have
    had can could would shall should might must let see note suppose assume consider given recall find show prove
    please thank thanks together similarly likewise indeed clearly not too i'm i've i'll i'd it's he's she's that's
    there's let's we're we've we'll they're you're don't isn't what's
    """
)

# A capital letter after these names a thing and not a person: "point A. Draw ..."
LABELLED = _words(
    """
    a an point points midpoint line angle side vertex node edge set group event matrix vector graph plan vitamin
    option choice answer case type class grade section part step figure table appendix exhibit team variable
    hepatitis schedule room gate box letter column row item player phase model version category center centre circle
    segment triangle equation
    """
)

REPORTING_VERBS = _words(
    """
    said says asked asks replied replies answered answers cried cries shouted yelled whispered murmured muttered
    mumbled exclaimed added continued called screamed wondered thought demanded insisted snapped growled repeated
    began agreed admitted announced declared remarked observed suggested told wrote warned begged pleaded inquired
    enquired interrupted explained responded retorted groaned gasped hissed roared
    """
)
