using System.Diagnostics;

namespace Schane.Benchmarks.Peers;

/// <summary>
/// What does scikit-learn's logistic regression make of a frozen trunk's embeddings, standardised, from the very training images of runs?
/// Its C is chosen by five-fold cross-validation; told is top-1 on the test part.
/// </summary>
internal static class ScikitProbe
{
    private const string Python = "/usr/bin/python3";

    private const string Script = """
        import csv, json, struct, sys, warnings
        import numpy as np
        from sklearn.linear_model import LogisticRegressionCV
        from sklearn.model_selection import StratifiedKFold
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        warnings.filterwarnings("ignore")
        embeddings = np.load(sys.argv[1])
        rows = list(csv.DictReader(open(sys.argv[1][:-4] + ".csv")))
        labels = np.array([row["label"] for row in rows])
        test = np.array([row["part"] == "test" for row in rows])
        for run in sys.argv[2:]:
            with open(run + "/embeddings.safetensors", "rb") as file:
                about = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))["__metadata__"]
            names = {name for name, part in zip(json.loads(about["images"]), json.loads(about["parts"])) if part == "train"}
            train = np.array([row["image"] in names for row in rows])
            folds = StratifiedKFold(min(5, np.unique(labels[train], return_counts=True)[1].min()), shuffle=True, random_state=0)
            fit = LogisticRegressionCV(Cs=np.logspace(-4, 1, 6), cv=folds, max_iter=500)
            model = make_pipeline(StandardScaler(), fit).fit(embeddings[train], labels[train])
            print("%s: %d training and %d test images, C %g, top-1 %.2f %%" % (run, train.sum(), test.sum(), fit.C_[0],
                100 * model.score(embeddings[test], labels[test])), flush=True)
        """;

    /// <param name="args">Embeddings (.npy with its .csv, of <c>schane embed</c>), then run folders.</param>
    public static int Run(string[] args)
    {
        if (args.Length < 2 || !File.Exists(Python))
        {
            Console.Error.WriteLine($"Usage: probe EMBEDDINGS.npy RUN...; {Python} must import sklearn (Debian: python3-sklearn).");
            return 2;
        }
        using var python = Process.Start(new ProcessStartInfo(Python, ["-c", Script, .. args]))!;
        python.WaitForExit();
        return python.ExitCode;
    }
}
