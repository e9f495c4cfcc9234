package sessionlogexplorer

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.yaml
var apiDescription []byte

func (x *explorerServer) answerDescription(w http.ResponseWriter, _ *apiCall) error {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(apiDescription)
	return nil
}
