using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests.Packaging;

/// <summary>The .NET tool as <c>dotnet pack</c> makes it.</summary>
public sealed class PackedTool() : PackedProject("SpectralKD.Cli");

public sealed class ToolPackageTests(PackedTool package) : IClassFixture<PackedTool>
{
    [Fact]
    public void The_tool_is_called_spectralkd()
    {
        Assert.Equal("SpectralKD.Tool", package.Said("id"));
        Assert.Contains("Name=\"DotnetTool\"", package.Metadata().ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("<Command Name=\"spectralkd\" EntryPoint=\"SpectralKD.Cli.dll\"", package.Text("tools/net10.0/any/DotnetToolSettings.xml"));
    }

    [Fact]
    public void Libtorch_stays_outside_and_the_host_does_not_ask_for_it()
    {
        Assert.DoesNotContain(package.Files("nupkg").Keys, name => Path.GetFileName(name).StartsWith("libtorch", StringComparison.Ordinal));
        Assert.DoesNotContain("native/libtorch", package.Text("tools/net10.0/any/SpectralKD.Cli.deps.json"));
        Assert.InRange(new FileInfo(Directory.GetFiles(package.Folder, "*.nupkg").Single()).Length, 10_000_000, 100_000_000);
    }

    [Theory]
    [InlineData("linux-x64/native/libLibTorchSharp.so")]
    [InlineData("win-x64/native/LibTorchSharp.dll")]
    [InlineData("osx-arm64/native/libLibTorchSharp.dylib")]
    [InlineData("linux-x64/native/libSkiaSharp.so")]
    public void Its_own_native_libraries_are_there_for_every_system(string name) => Assert.Contains($"tools/net10.0/any/runtimes/{name}", package.Files("nupkg").Keys);

    [Theory]
    [InlineData("Microsoft.CodeAnalysis.CSharp.dll")]
    [InlineData("Microsoft.CodeAnalysis.Features.dll")]
    [InlineData("NetMQ.dll")]
    public void Roslyn_and_the_sockets_are_there_for_every_system_and_as_native_code_for_the_one_that_packed(string name)
    {
        var forms = package.Files("nupkg").Where(file => Path.GetFileName(file.Key) == name).OrderBy(file => file.Value).ToArray();
        Assert.Equal($"tools/net10.0/any/{name}", forms[0].Key);
        Assert.Matches($"^tools/net10.0/any/runtimes/[^/]+/lib/net10.0/{name}$", forms[1].Key);
        Assert.True(forms[1].Value > 2 * forms[0].Value);
        Assert.Contains(forms[1].Key["tools/net10.0/any/".Length..], package.Text("tools/net10.0/any/SpectralKD.Cli.deps.json"));
    }

    [Fact]
    public async Task Installed_from_a_folder_it_runs()
    {
        var tools = Path.Combine(package.Folder, "tools");
        try
        {
            await ProgramRun.SucceedAsync(
                ProgramRun.Dotnet, ["tool", "install", "SpectralKD.Tool", "--tool-path", tools, "--add-source", package.Folder], package.Folder);
            var models = await ProgramRun.SucceedAsync(Path.Combine(tools, "spectralkd"), ["models", "deit_tiny"], package.Folder);
            Assert.Contains("5,717,416", models);
        }
        finally
        {
            package.RemoveFromCache();
        }
    }
}
