package sessionlogexplorer

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // small containers and Windows have no zones of their own

	"github.com/otel-sessionlog/sessionlog/query"
)

const apiRoot = "/api/v1"

// zoneParameter is taken by every question: days of dates, and the zone of exports.
const zoneParameter = "tz"

type apiEndpoint struct {
	path       string   // below apiRoot
	parameters []string // beside those of a filter
	isFiltered bool
	respond    func(*explorerServer, http.ResponseWriter, *apiCall) error
}

func asJSON(answer func(*explorerServer, *apiCall) (any, error)) func(*explorerServer, http.ResponseWriter, *apiCall) error {
	return func(x *explorerServer, w http.ResponseWriter, c *apiCall) error {
		value, err := answer(x, c)
		if err == nil {
			writeJSON(w, http.StatusOK, value)
		}
		return err
	}
}

var apiEndpoints = []apiEndpoint{
	{"/events", []string{"limit", "after"}, true, asJSON((*explorerServer).answerEvents)},
	{"/events.csv", []string{"limit"}, true, (*explorerServer).exportCSV},
	{"/events.ndjson", []string{"limit"}, true, (*explorerServer).exportNDJSON},
	{"/events.sql", []string{"limit"}, true, (*explorerServer).exportSQL},
	{"/events/{record_id}", nil, false, asJSON((*explorerServer).answerEvent)},
	{"/events/{record_id}/seal", nil, false, asJSON((*explorerServer).answerSeal)},
	{"/events/{record_id}/bundle", nil, false, (*explorerServer).answerBundle},
	{"/histogram", []string{"width"}, true, asJSON((*explorerServer).answerHistogram)},
	{"/facets", []string{"columns", "top"}, true, asJSON((*explorerServer).answerFacets)},
	{"/sessions/{key}", []string{"at"}, false, asJSON((*explorerServer).answerSession)},
	{"/users/{name}", nil, true, asJSON((*explorerServer).answerUser)},
	{"/addresses/{ip}", nil, true, asJSON((*explorerServer).answerAddress)},
	{"/inventory", nil, true, asJSON((*explorerServer).answerInventory)},
	{"/new", nil, true, asJSON((*explorerServer).answerNew)},
	{"/now", nil, false, asJSON((*explorerServer).answerNow)},
	{"/health", nil, false, asJSON((*explorerServer).answerHealth)},
	{"/tail", nil, true, (*explorerServer).streamTail},
	{"/config", nil, false, asJSON((*explorerServer).answerConfig)},
	{"/openapi.yaml", nil, false, (*explorerServer).answerDescription},
}

type apiCall struct {
	*http.Request
	values url.Values
	zone   *time.Location
	now    time.Time
	filter query.Filter
}

func (x *explorerServer) routeAPI() http.Handler {
	mux := http.NewServeMux()
	for _, e := range apiEndpoints {
		mux.HandleFunc(apiRoot+e.path, func(w http.ResponseWriter, r *http.Request) {
			c, err := readCall(r, e)
			if err == nil {
				err = e.respond(x, w, c)
			}
			if err != nil {
				x.writeError(w, err)
			}
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeRefusal(w, http.StatusNotFound, reasonCall, "there is no such path: "+apiRoot+"/openapi.yaml lists those there are")
	})
	return mux
}

func readCall(r *http.Request, e apiEndpoint) (*apiCall, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest(fmt.Errorf("the query string cannot be read: %w", err))
	}
	c := &apiCall{Request: r, values: values, zone: time.UTC, now: time.Now()}
	if name := values.Get(zoneParameter); name != "" {
		if c.zone, err = time.LoadLocation(name); err != nil || name == "Local" {
			return nil, badRequest(fmt.Errorf("%s: %q is no time zone: write a name such as Europe/Berlin", zoneParameter, name))
		}
	}
	own := append([]string{zoneParameter}, e.parameters...)
	for _, name := range own {
		if len(values[name]) > 1 {
			return nil, badRequest(fmt.Errorf("%s: given %d times; give it once", name, len(values[name])))
		}
	}
	if e.isFiltered {
		c.filter, err = query.ParseFilter(values, c.now, c.zone, own...)
	} else {
		err = refuseOthers(values, own)
	}
	if err != nil {
		return nil, badRequest(err)
	}
	return c, nil
}

func refuseOthers(values url.Values, known []string) error {
	for name := range values {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%s: unknown here; there is %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

func (c *apiCall) numberParameter(name string, unset, most int) (int, error) {
	text := c.values.Get(name)
	if text == "" {
		return unset, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, badRequest(fmt.Errorf("%s: %q is no number from 1 to %d", name, text, most))
	}
	return n, nil
}

// withCondition is the filter with one more condition; none of the same field that were given stay.
func withCondition(f query.Filter, column, value string) (query.Filter, error) {
	field, err := query.FieldOf(column)
	if err != nil {
		return f, err
	}
	f.Conditions = append(slices.DeleteFunc(slices.Clone(f.Conditions), func(c query.Condition) bool { return c.Field == field }), query.Condition{Field: field, Value: value})
	return f, nil
}

// questionTimeout ends what the time budget of a question does not, such as a single statement that reads everything.
const questionTimeout = 20 * time.Second

// askStore asks the backend, for as long as the client waits and no longer than questionTimeout.
func (x *explorerServer) askStore(ctx context.Context, do func(context.Context, query.Store, *timeBudget) error) error {
	return x.stores.askPooledStore(ctx, func(s query.Store) error {
		ctx, cancel := context.WithTimeout(ctx, questionTimeout)
		defer cancel()
		return do(ctx, s, &timeBudget{end: time.Now().Add(x.config.AnswerTime)})
	})
}

// timeBudget is what the questions of one call have together.
type timeBudget struct{ end time.Time }

// leastTime is what a question has when those before it took all: enough for what an index answers.
const leastTime = 20 * time.Millisecond

// left bounds one more question.
func (b *timeBudget) left() query.Limits {
	return query.Limits{Time: max(time.Until(b.end), leastTime)}
}

// maxPageBytes ends a page of events: names and original records may be long.
const maxPageBytes = 16 << 20

func (b *timeBudget) leftForPage() query.Limits {
	return query.Limits{Time: b.left().Time, Bytes: maxPageBytes}
}
