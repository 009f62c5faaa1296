using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using SkiaSharp;
using SpectralKD.Interactive.Magic;
using SpectralKD.Notebook.Documents;
using SpectralKD.Notebook.Jupyter;
using SpectralKD.Notebook.Runner;
using SpectralKD.Notebook.Session;
using SpectralKD.Tests;
using SpectralKD.Tests.Weights;

namespace SpectralKD.Cli.Tests.Fuzz;

/// <summary>Everything in the program that reads what others have written.</summary>
internal static class FuzzTargets
{
    private static readonly Lazy<IReadOnlyList<FuzzTarget>> s_all = new(() => [.. Weights(), .. Images(), .. Notebooks(), .. Reports(), .. Runs(), .. Lines()]);

    // Code that is no C# at all makes the compiler's parser take memory that grows with the square of its length.
    private const long CompilersOwn = 4L << 30;

    public static IReadOnlyList<FuzzTarget> All => s_all.Value;

    private static IEnumerable<FuzzTarget> Weights()
    {
        byte[] header = Utf8("""{"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"F16","shape":[4],"data_offsets":[24,32]},"c":{"dtype":"I64","shape":[],"data_offsets":[32,40]}}""");
        var safetensors = SafetensorsBytes.File(Encoding.UTF8.GetString(header), 40);
        yield return Bytes("safetensors", ".safetensors", ReadWeights, safetensors);
        yield return new FuzzTarget("safetensors header", ".safetensors", Mutation.OfText([header]).Select(json => SafetensorsBytes.File(Encoding.UTF8.GetString(json), 40)), ReadWeights, [safetensors]);
        var state = PickleBuilder.StateDict(
            ("a.weight", PickleBuilder.Tensor("0", 6, 0, [2, 3], [3, 1])), ("b", PickleBuilder.Tensor("0", 6, 1, [2, 2], [1, 2])), ("c", PickleBuilder.Tensor("1", 2, 1, [], [])));
        yield return Bytes("pth", ".pth", ReadWeights, Archive(state), Deflated(state));
        yield return new FuzzTarget("pickle", ".pth", Mutation.OfBytes([state]).Select(Archive), ReadWeights, [Archive(state)]);
        byte[] legacy = [.. Legacy(state)];
        yield return new FuzzTarget("legacy pth", ".pth", Mutation.OfBytes([legacy]), ReadWeights, []);
    }

    private static IEnumerable<FuzzTarget> Images()
    {
        byte[][] images = [.. Encoded(), Utf8("P2\n# a comment\n3 2\n255\n0 1 2 253 254 255\n"), [.. Utf8("P5 3 2 255\n"), 1, 2, 3, 4, 5, 6], [.. Utf8("P6\n2 1\n65535\n"), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], Utf8("P3 1 1 15 1 2 3\n"), Utf8("P1 2 2 1 0 0 1\n")];
        yield return Bytes("images", ".png", (path, bytes) => ImageDecoder.Decode(bytes, Path.GetFileName(path)), images) with { MostAllocated = 2L << 30 };
        yield return Bytes("zips of images", ".zip", (path, _) => ReadImages(path), ZipOf(images[0], images[1]), ZipOf(images[3], images[^1])) with { MostAllocated = 2L << 30 };
        yield return Bytes("CIFAR-10", ".bin", (path, _) => ReadSome(Cifar10.Open(path: path)), new byte[3 * 3073]) with { Samples = [] };
    }

    private static IEnumerable<FuzzTarget> Notebooks()
    {
        var page = "# A *title*\n\n![x](a.png) <b onclick=\"x\">$\\frac{a}{b}_i^2$</b>\n\n| a | b |\n|---|---|\n| 1 | `c` |\n\n```csharp\nvar x = 1;\n```\n\n$$\\left( \\begin{cases} 1 & x \\\\ \\text{if } 0 \\end{cases} \\right)$$\n\n- [x] [link](javascript:x)[^1]\n\n[^1]: <details open><summary>s</summary>t</details>\n";
        var notebook = Utf8(File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "notebooks", "02-u-curves-across-models.ipynb")));
        var small = Utf8(Json(page));
        yield return Text("notebooks", ".ipynb", (path, _) => ReadNotebook(path), notebook, small) with { MostAllocated = CompilersOwn };
        yield return Bytes("notebooks by bytes", ".ipynb", (path, _) => ReadNotebook(path), small) with { MostAllocated = CompilersOwn };
        var dib = Utf8("#!meta\n\n{\"kernelInfo\":{\"defaultKernelName\":\"csharp\",\"items\":[{\"name\":\"mine\",\"aliases\":[\"m\"]}]}}\n\n#!markdown\n\n# Title\n\n#!csharp\n\n#!spectral-help\nvar a = 1;\n\n#!fsharp\nlet b = 2\n#!m\nc\n");
        yield return Text("dib", ".dib", (path, _) => ReadNotebook(path), dib) with { MostAllocated = CompilersOwn };
        yield return Bytes("dib by bytes", ".dib", (path, _) => ReadNotebook(path), dib) with { MostAllocated = CompilersOwn };
        yield return Text("markdown and TeX", ".md", (_, bytes) => ReadPage(Encoding.UTF8.GetString(bytes)), Utf8(page), Utf8("\\mathcal{L}_{\\mathrm{fft}} = \\frac{1}{|\\mathcal P|}\\sum_{(s,t)\\in\\mathcal P}\\left\\| \\mathcal F(F_s)\\right\\|_2^2"));
    }

    private static IEnumerable<FuzzTarget> Reports()
    {
        using var model = ModelCatalog.Create("deit_nano_patch4_32", seed: 1);
        var file = Path.GetTempFileName();
        SpectralReport.Run(model, Textures.Create(2, 32), new SpectralOptions { Layers = [3] }).Save(file);
        var report = File.ReadAllBytes(file);
        File.Delete(file);
        yield return Bytes("reports", ".safetensors", (path, _) => SpectralReport.Load(path), report);
    }

    private static IEnumerable<FuzzTarget> Runs()
    {
        byte[][] recipes = [.. RecipeLibrary.Names.Take(4).Select(name => Utf8(RecipeLibrary.Get(name).ToJson()))];
        yield return Text("recipes", ".json", (path, _) => DistillationRecipe.Load(path), recipes);
        yield return Text("comparisons", ".json", (path, _) => Comparison.Load(path), Utf8("""
            {"version":1,"note":"n","base":{"student":"deit_nano_patch4_32","teacher":"cait_nano_patch4_32","epochs":2,"data":{"train":"textures","count":8}},"students":{"a":{"batch":4}},
             "methods":{"labels":{"loss":{"method":"none"},"align":null},"soft":{}},"seeds":[0,3],"baseline":"soft","accuracies":[50,60.5],"budget":9,"cacheTeacher":true}
            """), Utf8("""{"base":"nano-deit-distilled","students":["deit_nano_patch8_64"],"methods":{"soft":{"loss":{"tau":2}}},"seeds":2}"""));
        var log = Utf8("""
            {"train_lr":1.5625E-05,"train_loss":1.91,"train_loss_base":0.2314,"train_loss_fft":0.226,"train_loss_dist":1.45,"test_loss":2.298,"test_acc1":15.625,"test_acc5":59.375,"epoch":0,"n_parameters":93202}
            {"train_lr":2E-05,"train_loss":1.90,"train_loss_base":0.2303,"train_loss_fft":0.225,"train_loss_dist":1.44,"test_loss":2.294,"test_acc1":12.5,"test_acc5":62.5,"epoch":1,"n_parameters":93202}

            """);
        yield return Text("logs", ".txt", ReadLog, log);
        yield return Bytes("logs by bytes", ".txt", ReadLog, log);
        var entropy = Utf8("Model,Layer_1,Layer_2,Layer_3\ncheckpoint_0,1.5,2.25,3\n\"checkpoint_1\",1.25,,4e-1\n");
        yield return Text("entropy tables", ".csv", (path, _) => RunLog.Load(path), entropy);
        yield return Text("tables", ".csv", (path, _) => TableCsv.Load(path), entropy, Utf8("block,name,intensity\r\n0,\"a \"\"b\"\"\nc\",0.5\r\n1,x,NaN\r\n"));
        var state = Utf8("""
            {"version":1,"serial":3,"epoch":1,"step":2,"totalSteps":9,"sums":{},"epochs":[],"bestEpoch":null,"bestTop1":12.5,"warnings":["w"],"threads":1,"teacherHash":null,"dataName":"textures","batchesPerEpoch":4,
             "files":{"model.safetensors":{"name":"model-000003.safetensors","sha256":"00"}},"finished":false}
            """);
        yield return Text("run states", ".json", ReadRun, state);
        yield return Text("spectra", ".json", (path, _) => ModelSpectrum.Load(path), Utf8(Spectrum()));
    }

    private static IEnumerable<FuzzTarget> Lines()
    {
        var magic = Utf8("#!spectral-analyze --model model --images images --domain channel --batch 32 --as \"my spectrum\" --layers 0,2..5,-1 @x @csharp:y --help\nvar x = 1;\n#!time\n#r \"nuget: A, 1.0\"\n#!import \"a b.ipynb\"\n");
        yield return Text("magic lines", ".txt", (_, bytes) => ReadCell(Encoding.UTF8.GetString(bytes)), magic, Utf8("#!spectral-distill --teacher t --student s --method soft --epochs 5 --lr 1e-4 --out runs/first")) with { Samples = [] };
        var messages = Text("Jupyter messages", ".json", ReadMessage, Utf8("""{"header":{"msg_id":"1","session":"s","msg_type":"execute_request","version":"5.3"},"content":{"code":"1","silent":false,"user_expressions":{}}}"""));
        yield return messages with { Samples = [], IsAnswer = error => error is MalformedMessageException };
        yield return Text("connection files", ".json", (path, _) => ConnectionFile.Read(path), Utf8("""{"shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":5,"ip":"127.0.0.1","key":"k","transport":"tcp","signature_scheme":"hmac-sha256"}"""));
        string[] values =
            ["pretrained", "seeded:7", "weights.safetensors#ema", "a/b.pth#teacher", "3/4", "cuda:1", "0,2..5,-1", "images=/data/photos", "rand-m9-mstd0.5-inc1", "1.5:2.5", "deit_tiny_patch16_224", "hf://timm/deit@main"];
        yield return Text("values", ".txt", (_, bytes) => ReadValues(Encoding.UTF8.GetString(bytes)), [.. values.Select(Utf8)]) with { Samples = [] };
        string[] lines =
        [
            "analyze\n--model\ndeit_tiny_patch16_224\n--images\n/none\n--count\n5\n--shard\n1/3\n--domain\nchannel\n--out\nx", "distill\nr.json\n--resume\n--out\nx", "run\nn.ipynb\n-p\na=1\n--out\nx\n--trust",
            "models\n\"deit\"", "export\nr.json\n--to\nslurm",
        ];
        yield return Text("command lines", ".txt", (_, bytes) => ReadCommandLine(Encoding.UTF8.GetString(bytes)), [.. lines.Select(Utf8)]);
    }

    private static FuzzTarget Bytes(string name, string extension, Action<string, byte[]> read, params byte[][] samples) => new(name, extension, Mutation.OfBytes(samples), read, samples);

    private static FuzzTarget Text(string name, string extension, Action<string, byte[]> read, params byte[][] samples) => new(name, extension, Mutation.OfText(samples), read, samples);

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static void ReadWeights(string path, byte[] bytes)
    {
        LibTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var file = WeightsFile.Open(path);
        foreach (var key in file.Tensors.Keys)
        {
            file.Read(key).Dispose();
        }
    }

    private static byte[] Archive(byte[] pickle) => TorchArchiveBytes.Zip(("a/data.pkl", pickle), ("a/data/0", new byte[24]), ("a/data/1", new byte[8]), ("a/version", "3\n"u8.ToArray()));

    private static byte[] Deflated(byte[] pickle) => Zip(CompressionLevel.Optimal, ("a/data.pkl", pickle), ("a/data/0", new byte[24]), ("a/data/1", new byte[8]), ("a/version", "3\n"u8.ToArray()));

    // torch.save before 1.6: magic number, protocol, sizes of the machine, the pickle, the storages' keys, their numbers.
    private static IEnumerable<byte> Legacy(byte[] pickle) =>
    [
        0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.', 0x80, 2, (byte)'M', 0xe9, 3, (byte)'.',
        0x80, 2, (byte)'}', (byte)'.', .. pickle, 0x80, 2, (byte)']', .. "(X\u0001\0\0\00X\u0001\0\0\01e."u8, .. BitConverter.GetBytes(6L), .. new byte[24], .. BitConverter.GetBytes(2L), .. new byte[8],
    ];

    private static byte[] Zip(CompressionLevel level, params (string Name, byte[] Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                using var entry = zip.CreateEntry(name, level).Open();
                entry.Write(content);
            }
        }
        return stream.ToArray();
    }

    private static byte[] ZipOf(byte[] one, byte[] other) => Zip(CompressionLevel.Fastest, ("cat/a.png", one), ("cat/b.jpg", other), ("dog/ä.png", one), ("dog/notes.txt", [1, 2]));

    private static IEnumerable<byte[]> Encoded()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(17, 11, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (var index = 0; index < 17 * 11; index++)
        {
            bitmap.SetPixel(index % 17, index / 17, new SKColor((byte)(index * 7), (byte)(index * 3), (byte)index));
        }
        foreach (var format in (SKEncodedImageFormat[])[SKEncodedImageFormat.Png, SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Webp])
        {
            using var data = bitmap.Encode(format, 90);
            yield return data.ToArray();
        }
        yield return Convert.FromBase64String("R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==");
        yield return [.. "BM"u8, .. BitConverter.GetBytes(58), 0, 0, 0, 0, .. BitConverter.GetBytes(54), .. BitConverter.GetBytes(40), .. BitConverter.GetBytes(1), .. BitConverter.GetBytes(1), 1, 0, 24, 0, .. new byte[24], 1, 2, 3, 0];
    }

    private static void ReadImages(string path) => ReadSome(ImageSources.Open(path));

    // One image that cannot be decoded is skipped by its readers; the others go on.
    private static void ReadSome(IImageSource images)
    {
        for (var index = 0; index < Math.Min(images.Count, 6); index++)
        {
            _ = images.ItemName(index) + images.Classes[images.Label(index)];
            try
            {
                images.Read(index);
            }
            catch (SpectralKDException)
            {
            }
        }
    }

    private static string Json(string markdown)
    {
        var notebook = NotebookDocument.Create();
        notebook.Insert(0, NotebookCell.Markdown(markdown));
        var code = NotebookCell.Code("string model = \"x\"; int n = 1;\nmodel", "parameters");
        code.Outputs =
        [
            new JsonObject { ["name"] = "stdout", ["output_type"] = "stream", ["text"] = "\u001b[31mred\u001b[0m\r50 %" },
            new JsonObject { ["data"] = new JsonObject { ["application/vnd.plotly.v1+json"] = new JsonObject { ["data"] = new JsonArray(1, 2.5) }, ["text/html"] = "<b>x</b>", ["text/latex"] = "$x$" }, ["execution_count"] = 1, ["metadata"] = new JsonObject(), ["output_type"] = "execute_result" },
            new JsonObject { ["ename"] = "E", ["evalue"] = "v", ["output_type"] = "error", ["traceback"] = new JsonArray("at x") },
        ];
        notebook.Insert(1, code);
        return notebook.ToJson();
    }

    private static void ReadNotebook(string path)
    {
        var notebook = NotebookDocument.Load(path);
        foreach (var trust in Enum.GetValues<PageTrust>())
        {
            HtmlPage.Render(notebook, trust);
        }
        ParameterInjection.Apply(notebook, [NotebookParameter.Parse("model=deit"), NotebookParameter.Parse("n=3")]);
        Encoding.UTF8.GetBytes(notebook.ToJson());
    }

    private static void ReadPage(string markdown)
    {
        var notebook = NotebookDocument.Create();
        notebook.Insert(0, NotebookCell.Markdown(markdown));
        notebook.Insert(1, NotebookCell.Markdown($"$$\n{markdown}\n$$"));
        HtmlPage.Render(notebook);
    }

    private static void ReadLog(string path, byte[] bytes)
    {
        var first = Outcome(() => RunLog.Load(path));
        var second = Outcome(() => EpochLog.Read(path));
        if ((first ?? second) is { } error)
        {
            throw error;
        }
    }

    private static SpectralKDException? Outcome(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (SpectralKDException error)
        {
            return error;
        }
    }

    private static void ReadRun(string path, byte[] bytes)
    {
        var folder = path + ".run";
        Directory.CreateDirectory(Path.Combine(folder, "checkpoint"));
        try
        {
            File.WriteAllBytes(Path.Combine(folder, "checkpoint", "state.json"), bytes);
            DistillationRun.Load(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Spectrum()
    {
        using var model = ModelLoader.Load("deit_nano_patch8_64");
        return SpectralAnalysis.Run(model, ImageSources.Open("textures", count: 4)).ToJson();
    }

    private static void ReadCell(string cell)
    {
        _ = CellText.Split(cell).ToList();
        foreach (var line in cell.Split('\n').Where(line => line.StartsWith("#!", StringComparison.Ordinal)))
        {
            MagicCompletion.Complete(line, line.Length / 2, null);
            MagicLine.Parse(line, SessionCommands.All);
        }
    }

    private static void ReadMessage(string path, byte[] bytes)
    {
        var signer = new MessageSigner("key");
        byte[][] parts = [bytes, "{}"u8.ToArray(), bytes[..(bytes.Length / 2)], bytes];
        var message = new MessageCodec(signer).Decode([[1], "<IDS|MSG>"u8.ToArray(), signer.Sign(parts), .. parts]);
        _ = message.Text("code", "") + message.Number("cursor_pos", 0) + message.Flag("silent", false);
    }

    private static void ReadValues(string value)
    {
        var errors = new List<SpectralKDException?>
        {
            Outcome(() => WeightSource.Parse(value)), Outcome(() => DataShard.Parse(value)), Outcome(() => Devices.Parse(value)), Outcome(() => NotebookParameter.Parse(value)),
            Outcome(() => LayerList.Parse(value, 12)), Outcome(() => Augmentation.Parse(value)), Outcome(() => ActivationRange.Parse(value)), Outcome(() => ModelCatalog.Find(value)),
        };
        if (errors.OfType<SpectralKDException>().MaxBy(error => error.Message.Length) is { } longest)
        {
            throw longest;
        }
    }

    // Parsed, not carried out.
    private static void ReadCommandLine(string words)
    {
        var result = CommandLine.Root().Parse(words.Split('\n'));
        _ = result.Errors.Select(error => error.Message).ToList();
    }
}
