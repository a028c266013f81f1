-- What each distinct user agent is. In: `agent_text(agent, text)`, the text in lower case. Out: agent, family,
-- is_crawler, is_mobile. Portable SQL: CASE and LIKE, the first that holds.
--
-- crawler: whatever is no person's browser or app: search engines, monitors, scanners, libraries, command-line tools.
-- They say so in a word, or put an address for complaints (a URL, a mail address) into the agent, which no browser
-- does, or lack what every browser has had for twenty years, a first word `Mozilla/` with an engine behind it.
-- family: browser and system, no version, so that an update is no second person.
WITH kind AS (
    SELECT
        agent,
        text,
        CASE
            -- phones of a maker called Cubot; everything else that says bot is one
            WHEN REPLACE(text, 'cubot', '') LIKE '%bot%' THEN 1
            WHEN text LIKE '%crawl%' OR text LIKE '%spider%' OR text LIKE '%slurp%' OR text LIKE '%scrap%' THEN 1
            WHEN text LIKE '%http:%' OR text LIKE '%https:%' OR text LIKE '%+http%' OR text LIKE '%www.%' THEN 1
            -- (Ecosia's browser writes android@ and its version)
            WHEN text LIKE '%@%.%' AND text NOT LIKE '%(ecosia %' THEN 1
            WHEN text LIKE '%headless%' OR text LIKE '%phantomjs%' OR text LIKE '%puppeteer%' THEN 1
            WHEN text LIKE '%selenium%' OR text LIKE '%playwright%' OR text LIKE '%synthetic%' THEN 1
            WHEN text LIKE '%lighthouse%' OR text LIKE '%pagespeed%' OR text LIKE '%pingdom%' THEN 1
            WHEN text LIKE '%monitor%' OR text LIKE '%uptime%' OR text LIKE '%statuscake%' THEN 1
            WHEN text LIKE '%scanner%' OR text LIKE '%nmap%' OR text LIKE '%nikto%' OR text LIKE '%nuclei%' THEN 1
            WHEN text LIKE '%inspect%' OR text LIKE '%expanse%' OR text LIKE '%censys%' OR text LIKE '%zgrab%' THEN 1
            WHEN text LIKE '%validator%' OR text LIKE '%checker%' OR text LIKE '%fetch%' OR text LIKE '%archiver%' THEN 1
            WHEN text LIKE '%preview%' OR text LIKE '%feed%' OR text LIKE '%mediapartners%' THEN 1
            WHEN text LIKE '%python%' OR text LIKE '%curl/%' OR text LIKE '%wget%' OR text LIKE '%libwww%' THEN 1
            WHEN text LIKE '%google-%' OR text LIKE '%googleother%' OR text LIKE '%google web%' THEN 1
            WHEN text LIKE '%facebookexternal%' OR text LIKE '%facebookcatalog%' OR text LIKE '%whatsapp/%' THEN 1
            WHEN text LIKE '%search%' OR text LIKE '%seo%' OR text LIKE '%indexer%' OR text LIKE '%index/%' THEN 1
            -- apps of people: the system's own client, named by the app that uses it
            WHEN text LIKE '%cfnetwork/%' OR text LIKE 'dalvik/%' OR text LIKE 'opera/%' THEN 0
            WHEN text NOT LIKE 'mozilla/%' THEN 1
            WHEN text LIKE '%compatible;%' AND text NOT LIKE '%msie%' THEN 1
            WHEN text LIKE '%applewebkit/%' OR text LIKE '%gecko/%' OR text LIKE '%trident/%' OR text LIKE '%msie%' THEN 0
            ELSE 1
        END AS is_crawler,
        CASE
            WHEN text LIKE '%iphone%' OR text LIKE '%ipod%' THEN 'ios'
            WHEN text LIKE '%ipad%' THEN 'ipados'
            WHEN text LIKE '%android%' OR text LIKE 'dalvik/%' THEN 'android'
            WHEN text LIKE '%cfnetwork/%' AND text NOT LIKE '%mac%' THEN 'ios'
            WHEN text LIKE '%windows phone%' THEN 'windows-phone'
            WHEN text LIKE '%windows%' THEN 'windows'
            WHEN text LIKE '%cros %' THEN 'chromeos'
            WHEN text LIKE '%mac os x%' OR text LIKE '%macintosh%' THEN 'macos'
            WHEN text LIKE '%tizen%' OR text LIKE '%web0s%' OR text LIKE '%webos%' OR text LIKE '%smart-tv%' THEN 'tv'
            WHEN text LIKE '%playstation%' OR text LIKE '%xbox%' OR text LIKE '%nintendo%' THEN 'console'
            WHEN text LIKE '%kaios%' THEN 'kaios'
            WHEN text LIKE '%linux%' OR text LIKE '%x11%' THEN 'linux'
            ELSE 'other'
        END AS system
    FROM agent_text
),

named AS (
    SELECT
        agent,
        is_crawler,
        system,
        CASE
            WHEN text LIKE '%edg/%' OR text LIKE '%edga/%' OR text LIKE '%edgios/%' OR text LIKE '%edge/%' THEN 'edge'
            WHEN text LIKE '%opr/%' OR text LIKE '%opios/%' OR text LIKE '%opt/%' OR text LIKE 'opera%' THEN 'opera'
            WHEN text LIKE '%yabrowser/%' THEN 'yandex'
            WHEN text LIKE '%samsungbrowser/%' THEN 'samsung'
            WHEN text LIKE '%ucbrowser/%' THEN 'uc'
            WHEN text LIKE '%vivaldi/%' THEN 'vivaldi'
            WHEN text LIKE '%duckduckgo/%' OR text LIKE '%ddg/%' THEN 'duckduckgo'
            WHEN text LIKE '%miuibrowser/%' THEN 'miui'
            WHEN text LIKE '%huaweibrowser/%' THEN 'huawei'
            WHEN text LIKE '%micromessenger/%' THEN 'wechat'
            WHEN text LIKE '%fban/%' OR text LIKE '%fbav/%' OR text LIKE '%fb_iab/%' THEN 'facebook'
            WHEN text LIKE '%instagram%' THEN 'instagram'
            WHEN text LIKE '%snapchat%' THEN 'snapchat'
            WHEN text LIKE '%tiktok%' OR text LIKE '%musical_ly%' OR text LIKE '%bytedancewebview%' THEN 'tiktok'
            WHEN text LIKE '%gsa/%' THEN 'google-app'
            WHEN text LIKE '%firefox/%' OR text LIKE '%fxios/%' OR text LIKE '%focus/%' THEN 'firefox'
            WHEN text LIKE '%; wv)%' THEN 'webview'
            WHEN text LIKE '%crios/%' OR text LIKE '%chrome/%' OR text LIKE '%chromium/%' THEN 'chrome'
            WHEN text LIKE '%msie%' OR text LIKE '%trident/%' THEN 'ie'
            WHEN text LIKE '%cfnetwork/%' OR text LIKE 'dalvik/%' THEN 'app'
            WHEN text LIKE '%safari/%' THEN 'safari'
            WHEN text LIKE '%applewebkit/%' THEN 'webview'
            ELSE 'other'
        END AS browser
    FROM kind
)

SELECT
    agent,
    CASE WHEN is_crawler = 1 THEN 'crawler' ELSE CONCAT(browser, '/', system) END AS family,
    is_crawler,
    CASE
        WHEN is_crawler = 0 AND system IN ('ios', 'ipados', 'android', 'windows-phone', 'kaios') THEN 1 ELSE 0
    END AS is_mobile
FROM named
