using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter;

namespace SpectralKD.Notebook.Tests.Jupyter;

public sealed class KernelSpecTests : IDisposable
{
    private readonly string _prefix = Directory.CreateTempSubdirectory("spectralkd-kernelspec-").FullName;

    public void Dispose() => Directory.Delete(_prefix, recursive: true);

    [Fact]
    public void An_installed_kernelspec_says_what_Jupyter_needs()
    {
        var spec = KernelSpec.Install(new KernelSpecOptions { Prefix = _prefix });
        Assert.Equal(Path.Combine(_prefix, "share", "jupyter", "kernels", "spectralkd"), spec.Folder);
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(spec.Folder, "kernel.json")))!;
        Assert.Equal("message", json["interrupt_mode"]!.GetValue<string>());
        Assert.Equal("C#", json["language"]!.GetValue<string>());
        Assert.Equal(["jupyter", "start", "{connection_file}"], json["argv"]!.AsArray().TakeLast(3).Select(word => word!.GetValue<string>()));
        Assert.True(File.Exists(json["argv"]![0]!.GetValue<string>()));
        Assert.True(File.Exists(Path.Combine(spec.Folder, "logo-svg.svg")));
    }

    [Fact]
    public void Installing_again_replaces_and_listing_and_uninstalling_find_it()
    {
        KernelSpec.Install(new KernelSpecOptions { Prefix = _prefix, Name = ".net-csharp", DisplayName = "old" });
        KernelSpec.Install(new KernelSpecOptions { Prefix = _prefix, Name = ".net-csharp", DisplayName = "new", Command = ["/gone/spectralkd", "x"] });
        var found = Assert.Single(KernelSpec.List(_prefix), spec => spec.Folder.StartsWith(_prefix, StringComparison.Ordinal));
        Assert.Equal((".net-csharp", "new", false), (found.Name, found.DisplayName, found.IsRunnable));
        KernelSpec.Uninstall(".net-csharp", _prefix);
        Assert.Empty(Directory.GetDirectories(Path.Combine(_prefix, "share", "jupyter", "kernels")));
        Assert.Contains("there is no kernel .net-csharp", Assert.Throws<SpectralKDException>(() => KernelSpec.Uninstall(".net-csharp", _prefix)).Message);
    }

    [Fact]
    public void Another_programs_kernel_is_never_touched()
    {
        var folder = Path.Combine(_prefix, "share", "jupyter", "kernels", "python3");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "kernel.json"), "{\"argv\": [\"python\"]}");
        Assert.Throws<SpectralKDException>(() => KernelSpec.Install(new KernelSpecOptions { Prefix = _prefix, Name = "python3" }));
        Assert.Throws<SpectralKDException>(() => KernelSpec.Uninstall("python3", _prefix));
        Assert.True(File.Exists(Path.Combine(folder, "kernel.json")));
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a b")]
    public void A_name_that_is_no_name_is_refused(string name)
        => Assert.Throws<SpectralKDException>(() => KernelSpec.Install(new KernelSpecOptions { Prefix = _prefix, Name = name }));

    [Theory]
    [InlineData("not json", "is not a Jupyter connection file")]
    [InlineData("{}", "is not a Jupyter connection file")]
    [InlineData("""{"shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":5,"key":null}""", "is not a Jupyter connection file")]
    [InlineData("""{"shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":5,"transport":"ipc"}""", "asks for the transport ipc")]
    [InlineData("""{"shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":5,"key":"k","signature_scheme":"hmac-md5"}""", "hmac-md5")]
    public void A_connection_file_that_cannot_be_used_says_why(string text, string message)
    {
        var file = Path.Combine(_prefix, "kernel-1.json");
        File.WriteAllText(file, text);
        var error = Assert.Throws<SpectralKDException>(() => ConnectionFile.Read(file));
        Assert.Contains(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }
}
