var pt=globalThis,Lt=e=>e,Z=pt.trustedTypes,Ht=Z?Z.createPolicy("lit-html",{createHTML:e=>e}):void 0,ft="$lit$",b=`lit$${Math.random().toFixed(9).slice(2)}$`,$t="?"+b,He=`<${$t}>`,O=document,j=()=>O.createComment(""),D=e=>e===null||typeof e!="object"&&typeof e!="function",mt=Array.isArray,Dt=e=>mt(e)||typeof e?.[Symbol.iterator]=="function",ut=`[ 	
\f\r]`,R=/<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g,It=/-->/g,zt=/>/g,T=RegExp(`>|${ut}(?:([^\\s"'>=/]+)(${ut}*=${ut}*(?:[^ 	
\f\r"'\`<>=]|("|')|))|$)`,"g"),qt=/'/g,Rt=/"/g,Bt=/^(?:script|style|textarea|title)$/i,gt=e=>(t,...s)=>({_$litType$:e,strings:t,values:s}),o=gt(1),A=gt(2),Qs=gt(3),C=Symbol.for("lit-noChange"),d=Symbol.for("lit-nothing"),jt=new WeakMap,S=O.createTreeWalker(O,129);function Ft(e,t){if(!mt(e)||!e.hasOwnProperty("raw"))throw Error("invalid template strings array");return Ht!==void 0?Ht.createHTML(t):t}var Ut=(e,t)=>{let s=e.length-1,n=[],i,r=t===2?"<svg>":t===3?"<math>":"",a=R;for(let c=0;c<s;c++){let l=e[c],u,h,p=-1,m=0;for(;m<l.length&&(a.lastIndex=m,h=a.exec(l),h!==null);)m=a.lastIndex,a===R?h[1]==="!--"?a=It:h[1]!==void 0?a=zt:h[2]!==void 0?(Bt.test(h[2])&&(i=RegExp("</"+h[2],"g")),a=T):h[3]!==void 0&&(a=T):a===T?h[0]===">"?(a=i??R,p=-1):h[1]===void 0?p=-2:(p=a.lastIndex-h[2].length,u=h[1],a=h[3]===void 0?T:h[3]==='"'?Rt:qt):a===Rt||a===qt?a=T:a===It||a===zt?a=R:(a=T,i=void 0);let g=a===T&&e[c+1].startsWith("/>")?" ":"";r+=a===R?l+He:p>=0?(n.push(u),l.slice(0,p)+ft+l.slice(p)+b+g):l+b+(p===-2?c:g)}return[Ft(e,r+(e[s]||"<?>")+(t===2?"</svg>":t===3?"</math>":"")),n]},B=class e{constructor({strings:t,_$litType$:s},n){let i;this.parts=[];let r=0,a=0,c=t.length-1,l=this.parts,[u,h]=Ut(t,s);if(this.el=e.createElement(u,n),S.currentNode=this.el.content,s===2||s===3){let p=this.el.content.firstChild;p.replaceWith(...p.childNodes)}for(;(i=S.nextNode())!==null&&l.length<c;){if(i.nodeType===1){if(i.hasAttributes())for(let p of i.getAttributeNames())if(p.endsWith(ft)){let m=h[a++],g=i.getAttribute(p).split(b),$=/([.?@])?(.*)/.exec(m);l.push({type:1,index:r,name:$[2],strings:g,ctor:$[1]==="."?Q:$[1]==="?"?Y:$[1]==="@"?X:P}),i.removeAttribute(p)}else p.startsWith(b)&&(l.push({type:6,index:r}),i.removeAttribute(p));if(Bt.test(i.tagName)){let p=i.textContent.split(b),m=p.length-1;if(m>0){i.textContent=Z?Z.emptyScript:"";for(let g=0;g<m;g++)i.append(p[g],j()),S.nextNode(),l.push({type:2,index:++r});i.append(p[m],j())}}}else if(i.nodeType===8)if(i.data===$t)l.push({type:2,index:r});else{let p=-1;for(;(p=i.data.indexOf(b,p+1))!==-1;)l.push({type:7,index:r}),p+=b.length-1}r++}}static createElement(t,s){let n=O.createElement("template");return n.innerHTML=t,n}};function E(e,t,s=e,n){if(t===C)return t;let i=n!==void 0?s._$Co?.[n]:s._$Cl,r=D(t)?void 0:t._$litDirective$;return i?.constructor!==r&&(i?._$AO?.(!1),r===void 0?i=void 0:(i=new r(e),i._$AT(e,s,n)),n!==void 0?(s._$Co??=[])[n]=i:s._$Cl=i),i!==void 0&&(t=E(e,i._$AS(e,t.values),i,n)),t}var G=class{constructor(t,s){this._$AV=[],this._$AN=void 0,this._$AD=t,this._$AM=s}get parentNode(){return this._$AM.parentNode}get _$AU(){return this._$AM._$AU}u(t){let{el:{content:s},parts:n}=this._$AD,i=(t?.creationScope??O).importNode(s,!0);S.currentNode=i;let r=S.nextNode(),a=0,c=0,l=n[0];for(;l!==void 0;){if(a===l.index){let u;l.type===2?u=new H(r,r.nextSibling,this,t):l.type===1?u=new l.ctor(r,l.name,l.strings,this,t):l.type===6&&(u=new tt(r,this,t)),this._$AV.push(u),l=n[++c]}a!==l?.index&&(r=S.nextNode(),a++)}return S.currentNode=O,i}p(t){let s=0;for(let n of this._$AV)n!==void 0&&(n.strings!==void 0?(n._$AI(t,n,s),s+=n.strings.length-2):n._$AI(t[s])),s++}},H=class e{get _$AU(){return this._$AM?._$AU??this._$Cv}constructor(t,s,n,i){this.type=2,this._$AH=d,this._$AN=void 0,this._$AA=t,this._$AB=s,this._$AM=n,this.options=i,this._$Cv=i?.isConnected??!0}get parentNode(){let t=this._$AA.parentNode,s=this._$AM;return s!==void 0&&t?.nodeType===11&&(t=s.parentNode),t}get startNode(){return this._$AA}get endNode(){return this._$AB}_$AI(t,s=this){t=E(this,t,s),D(t)?t===d||t==null||t===""?(this._$AH!==d&&this._$AR(),this._$AH=d):t!==this._$AH&&t!==C&&this._(t):t._$litType$!==void 0?this.$(t):t.nodeType!==void 0?this.T(t):Dt(t)?this.k(t):this._(t)}O(t){return this._$AA.parentNode.insertBefore(t,this._$AB)}T(t){this._$AH!==t&&(this._$AR(),this._$AH=this.O(t))}_(t){this._$AH!==d&&D(this._$AH)?this._$AA.nextSibling.data=t:this.T(O.createTextNode(t)),this._$AH=t}$(t){let{values:s,_$litType$:n}=t,i=typeof n=="number"?this._$AC(t):(n.el===void 0&&(n.el=B.createElement(Ft(n.h,n.h[0]),this.options)),n);if(this._$AH?._$AD===i)this._$AH.p(s);else{let r=new G(i,this),a=r.u(this.options);r.p(s),this.T(a),this._$AH=r}}_$AC(t){let s=jt.get(t.strings);return s===void 0&&jt.set(t.strings,s=new B(t)),s}k(t){mt(this._$AH)||(this._$AH=[],this._$AR());let s=this._$AH,n,i=0;for(let r of t)i===s.length?s.push(n=new e(this.O(j()),this.O(j()),this,this.options)):n=s[i],n._$AI(r),i++;i<s.length&&(this._$AR(n&&n._$AB.nextSibling,i),s.length=i)}_$AR(t=this._$AA.nextSibling,s){for(this._$AP?.(!1,!0,s);t!==this._$AB;){let n=Lt(t).nextSibling;Lt(t).remove(),t=n}}setConnected(t){this._$AM===void 0&&(this._$Cv=t,this._$AP?.(t))}},P=class{get tagName(){return this.element.tagName}get _$AU(){return this._$AM._$AU}constructor(t,s,n,i,r){this.type=1,this._$AH=d,this._$AN=void 0,this.element=t,this.name=s,this._$AM=i,this.options=r,n.length>2||n[0]!==""||n[1]!==""?(this._$AH=Array(n.length-1).fill(new String),this.strings=n):this._$AH=d}_$AI(t,s=this,n,i){let r=this.strings,a=!1;if(r===void 0)t=E(this,t,s,0),a=!D(t)||t!==this._$AH&&t!==C,a&&(this._$AH=t);else{let c=t,l,u;for(t=r[0],l=0;l<r.length-1;l++)u=E(this,c[n+l],s,l),u===C&&(u=this._$AH[l]),a||=!D(u)||u!==this._$AH[l],u===d?t=d:t!==d&&(t+=(u??"")+r[l+1]),this._$AH[l]=u}a&&!i&&this.j(t)}j(t){t===d?this.element.removeAttribute(this.name):this.element.setAttribute(this.name,t??"")}},Q=class extends P{constructor(){super(...arguments),this.type=3}j(t){this.element[this.name]=t===d?void 0:t}},Y=class extends P{constructor(){super(...arguments),this.type=4}j(t){this.element.toggleAttribute(this.name,!!t&&t!==d)}},X=class extends P{constructor(t,s,n,i,r){super(t,s,n,i,r),this.type=5}_$AI(t,s=this){if((t=E(this,t,s,0)??d)===C)return;let n=this._$AH,i=t===d&&n!==d||t.capture!==n.capture||t.once!==n.once||t.passive!==n.passive,r=t!==d&&(n===d||i);i&&this.element.removeEventListener(this.name,this,n),r&&this.element.addEventListener(this.name,this,t),this._$AH=t}handleEvent(t){typeof this._$AH=="function"?this._$AH.call(this.options?.host??this.element,t):this._$AH.handleEvent(t)}},tt=class{constructor(t,s,n){this.element=t,this.type=6,this._$AN=void 0,this._$AM=s,this.options=n}get _$AU(){return this._$AM._$AU}_$AI(t){E(this,t)}},Wt={M:ft,P:b,A:$t,C:1,L:Ut,R:G,D:Dt,V:E,I:H,H:P,N:Y,U:X,B:Q,F:tt},Ie=pt.litHtmlPolyfillSupport;Ie?.(B,H),(pt.litHtmlVersions??=[]).push("3.3.3");var Vt=(e,t,s)=>{let n=s?.renderBefore??t,i=n._$litPart$;if(i===void 0){let r=s?.renderBefore??null;n._$litPart$=i=new H(t.insertBefore(j(),r),r,void 0,s??{})}return i._$AI(e),i};var yt=["network","quiz","keys"],wt={focus:null,entry:null,plane:null,order:"loss",projector:!1,theme:"auto",panel:""};function Jt(e){let t=new URLSearchParams(e.replace(/^#/,"")),s={},n=h=>{let p=t.get(h)??"";return/^\d{1,12}$/.test(p)?Number(p):void 0},i=n("focus"),r=n("step");i!==void 0&&(s.focus=i),r!==void 0&&(s.step=r);let a=t.get("entry");a&&(s.entry=a.replaceAll(",",", ").replaceAll(",  ",", "));let c=(t.get("plane")??"").split(",");c.length===2&&c.every(h=>/^\d{1,6}$/.test(h))&&(s.plane=[Number(c[0]),Number(c[1])]),t.get("order")==="row"&&(s.order="row"),t.has("projector")&&(s.projector=!0);let l=t.get("theme");(l==="light"||l==="dark")&&(s.theme=l);let u=yt.find(h=>h===t.get("panel"));return u&&(s.panel=u),s}function Kt(e,t){let s=[];return t!==void 0&&s.push(`step=${t}`),e.focus!==null&&s.push(`focus=${e.focus}`),e.entry&&s.push(`entry=${encodeURIComponent(e.entry.replaceAll(" ",""))}`),e.plane&&s.push(`plane=${e.plane.join(",")}`),e.order!=="loss"&&s.push(`order=${e.order}`),e.projector&&s.push("projector"),e.panel&&s.push(`panel=${e.panel}`),e.theme!=="auto"&&s.push(`theme=${e.theme}`),s.length?`#${s.join("&")}`:""}var et={ATTRIBUTE:1,CHILD:2,PROPERTY:3,BOOLEAN_ATTRIBUTE:4,EVENT:5,ELEMENT:6},M=e=>(...t)=>({_$litDirective$:e,values:t}),x=class{constructor(t){}get _$AU(){return this._$AM._$AU}_$AT(t,s,n){this._$Ct=t,this._$AM=s,this._$Ci=n}_$AS(t,s){return this.update(t,s)}update(t,s){return this.render(...s)}};var{I:sn}=Wt;var Zt=e=>e.strings===void 0;var ze={},Gt=(e,t=ze)=>e._$AH=t;var F=(e,t)=>{let s=e._$AN;if(s===void 0)return!1;for(let n of s)n._$AO?.(t,!1),F(n,t);return!0},st=e=>{let t,s;do{if((t=e._$AM)===void 0)break;s=t._$AN,s.delete(e),e=t}while(s?.size===0)},Qt=e=>{for(let t;t=e._$AM;e=t){let s=t._$AN;if(s===void 0)t._$AN=s=new Set;else if(s.has(e))break;s.add(e),je(t)}};function qe(e){this._$AN!==void 0?(st(this),this._$AM=e,Qt(this)):this._$AM=e}function Re(e,t=!1,s=0){let n=this._$AH,i=this._$AN;if(i!==void 0&&i.size!==0)if(t)if(Array.isArray(n))for(let r=s;r<n.length;r++)F(n[r],!1),st(n[r]);else n!=null&&(F(n,!1),st(n));else F(this,e)}var je=e=>{e.type==et.CHILD&&(e._$AP??=Re,e._$AQ??=qe)},U=class extends x{constructor(){super(...arguments),this._$AN=void 0}_$AT(t,s,n){super._$AT(t,s,n),Qt(this),this.isConnected=t._$AU}_$AO(t,s=!0){t!==this.isConnected&&(this.isConnected=t,t?this.reconnected?.():this.disconnected?.()),s&&(F(this,t),st(this))}setValue(t){if(Zt(this._$Ct))this._$Ct._$AI(t,this);else{let s=[...this._$Ct._$AH];s[this._$Ci]=t,this._$Ct._$AI(s,this,0)}}disconnected(){}reconnected(){}};var Yt=["#0072b2","#d55e00","#009e73","#cc79a7","#b8860b","#56b4e9","#6a3d9a","#8c8c8c","#a6761d","#1b1b1b"],Xt=["circle","triangle","square","diamond","cross","star"];function W(e){return Yt[e%Yt.length]}function nt(e){return Xt[e%Xt.length]}var De={light:{low:[194,84,8],zero:[250,250,248],high:[8,92,158],bad:[0,0,0]},dark:{low:[255,158,82],zero:[24,28,34],high:[96,178,255],bad:[255,255,255]}};function te(e,t){let s=De[t];if(!Number.isFinite(e))return s.bad;let n=e<0?s.low:s.high,i=Math.min(1,Math.abs(e))**.7;return s.zero.map((r,a)=>Math.round(r+(n[a]-r)*i))}var vt=class extends U{of=[];paint=()=>{};canvas=null;sizes=new ResizeObserver(()=>this.canvas&&this.paint(this.canvas));update(t,[s,n]){this.paint=s,this.canvas?n.some((i,r)=>i!==this.of[r])&&requestAnimationFrame(()=>this.canvas&&this.paint(this.canvas)):(this.canvas=t.element,this.sizes.observe(this.canvas)),this.of=n}disconnected(){this.sizes.disconnect()}reconnected(){this.canvas&&this.sizes.observe(this.canvas)}render(){}},I=M(vt),kt=class extends U{update(t,[s]){for(let[n,i]of Object.entries(s))t.element.style.setProperty(n,i)}render(){}},z=M(kt);function At(e){let t=window.devicePixelRatio||1,{clientWidth:s,clientHeight:n}=e;e.width!==Math.round(s*t)&&(e.width=Math.round(s*t)),e.height!==Math.round(n*t)&&(e.height=Math.round(n*t));let i=e.getContext("2d");return i.setTransform(t,0,0,t,0,0),i.clearRect(0,0,s,n),{context:i,width:s,height:n}}function q(e){let[t,s,n]=(getComputedStyle(e).color.match(/[\d.]+/g)??["0","0","0"]).map(Number);return t+s+n>384?"dark":"light"}function ee(e){return t=>{let[s,n]=e.shape;if(t.width=Math.max(1,n),t.height=Math.max(1,s),!s||!n)return;let i=q(t),r=new ImageData(n,s);for(let a=0;a<s*n;++a){let[c,l,u]=te(e.data[a],i);r.data.set([c,l,u,255],4*a)}t.getContext("2d").putImageData(r,0,0)}}function Be(e,t,s,n,i){e.beginPath(),t==="circle"?e.arc(s,n,i,0,2*Math.PI):t==="square"?e.rect(s-i*.9,n-i*.9,i*1.8,i*1.8):t==="triangle"?it(e,s,n+i*.2,i*1.25,3,-Math.PI/2):t==="diamond"?it(e,s,n,i*1.25,4,0):t==="star"?it(e,s,n,i*1.25,5,-Math.PI/2,.5):it(e,s,n,i*1.35,4,Math.PI/4,.4),e.fill(),e.stroke()}function it(e,t,s,n,i,r,a=0){let c=a?2*i:i;for(let l=0;l<c;++l){let u=a&&l%2?n*a:n,h=r+2*Math.PI*l/c;e.lineTo(t+u*Math.cos(h),s+u*Math.sin(h))}e.closePath()}function se(e,t){return s=>{let{context:n,width:i,height:r}=At(s),a=q(s),{size:c,classes:l,confidence:u}=e,h=new ImageData(c,c),p=Math.max(2,Math.max(...l.data)+1);for(let y=0;y<c*c;++y){let N=(c-1-Math.floor(y/c))*c+y%c,L=W(l.data[N]),Ce=Math.max(0,(u.data[N]/255-1/p)/(1-1/p)),[Ee,Pe,Le]=[1,3,5].map(Pt=>parseInt(L.slice(Pt,Pt+2),16));h.data.set([Ee,Pe,Le,(a==="dark"?40:26)+100*Ce],4*y)}let m=new OffscreenCanvas(c,c);m.getContext("2d").putImageData(h,0,0),n.imageSmoothingEnabled=!0,n.drawImage(m,0,0,i,r);let g=y=>(y-e.across[0])/(e.across[1]-e.across[0])*i,$=y=>r-(y-e.up[0])/(e.up[1]-e.up[0])*r,_=Math.max(2.2,Math.min(4.5,90/Math.sqrt(e.rows.shape[0]+1)));for(let y=0;y<e.rows.shape[0];++y){let N=e.labels.data[y];n.fillStyle=W(N),n.strokeStyle=a==="dark"?"#0f1216":"#ffffff",n.lineWidth=.8,Be(n,nt(N),g(e.points.data[2*y]),$(e.points.data[2*y+1]),_),e.rows.data[y]===t&&(n.beginPath(),n.strokeStyle=a==="dark"?"#ffffff":"#000000",n.lineWidth=2,n.arc(g(e.points.data[2*y]),$(e.points.data[2*y+1]),_+5,0,2*Math.PI),n.stroke())}}}var ne=[["Space","play, pause"],[". and ,","one step on, one back"],["/","find a node or an entry"],["← → ↑ ↓","walk the graph's edges, up and down change the lane; walk a table's cells"],["Enter","the selected node's numbers"],["n and m","next sample, the batch"],["h","one phase on: forward, loss, backward, update"],["g","check the gradients"],["q","a question"],["p","projector"],["Home","back to the start"],["?","this list"],["Esc","close what is open"]];function oe(e){return e.readOnly?ne.filter(([t])=>t!=="q"):ne}function ae(e){(e.keepsAddress?document:e.root).addEventListener("keydown",s=>{let n=s,i=n.target,r=!(n.ctrlKey||n.metaKey||n.altKey);if(!e.keepsAddress&&r&&n.key!=="Escape"&&n.key!=="Tab"&&n.stopPropagation(),!r||!e.scene)return;if(n.key==="Escape"){i.id==="find"?e.goTo(e.view.entry??e.scene.nodes[0].name):e.close();return}if(Ue(i)||n.key in _t&&Fe(n,i))return;let a=We[n.key];a&&(n.key===" "&&i.closest("button:not(.card), a, summary")||(n.key in _t||n.key==="Home")&&i.closest("input, .scroll[tabindex], .math, pre")||(n.preventDefault(),a(e)))})}var _t={ArrowLeft:[0,-1],ArrowRight:[0,1],ArrowUp:[-1,0],ArrowDown:[1,0]};function Fe(e,t){let s=t.closest("table.cells tr");if(!s)return!1;let[n,i]=_t[e.key],r=[...s.parentElement.children],a=[...s.querySelectorAll("button")].indexOf(t)+i,c=r[r.indexOf(s)+n]?.querySelectorAll("button")[a];return e.preventDefault(),c?.focus(),!0}function Ue(e){return e.matches("input:not([type=range]), textarea, select, [contenteditable]")}var We={" ":e=>e.togglePlay(),".":e=>e.command("step"),",":e=>e.command("back"),"/":e=>e.root.querySelector(".find input")?.focus(),h:e=>e.command("phase"),g:e=>{e.runCheck(),e.focusOn(".check .bar button")},m:e=>e.look({focus:null}),n:e=>e.look({focus:Ve(e)}),p:e=>e.look({projector:!e.view.projector}),q:e=>e.readOnly||e.toggle("quiz"),"?":e=>e.toggle("keys"),Home:e=>e.command("reset"),ArrowRight:e=>ie(e,1),ArrowLeft:e=>ie(e,-1),ArrowUp:e=>re(e,!1),ArrowDown:e=>re(e,!0)};function Ve(e){let{focus:t}=e.view,{recorded:s}=e;return s?s.rows[(s.rows.indexOf(t??-1)+1)%s.rows.length]??null:((t??-1)+1)%e.scene.rows}function ie(e,t){let s=e.scene.nodes,n=e.view.entry?.replace(/\[.*$/,"")??"",i=!s.some(l=>l.name===n)&&n.startsWith("d"),r=i?n.slice(1):n,a=s.find(l=>l.name===r),c=a?t>0?s.find(l=>l.inputs.includes(r))?.name:a.inputs[0]:s[0]?.name;c&&e.goTo(i?`d${c}`:c)}function re(e,t){let s=e.view.entry;if(!s)return;!e.scene.nodes.some(i=>i.name===s.replace(/\[.*$/,""))!==t&&e.goTo(t?`d${s}`:s.slice(1))}var rt="−";function w(e,t=4){if(e==null)return"";if(Number.isNaN(e))return"NaN";if(!Number.isFinite(e))return e>0?"∞":`${rt}∞`;let s=Math.abs(e),n;if(Number.isInteger(s)&&s<1e6)n=String(s);else if(s!==0&&(s<.001||s>=1e6)){let[i,r]=s.toExponential(t-1).split("e");n=`${i}e${r.replace("+","").replace("-",rt)}`}else n=s.toPrecision(t),n.includes("e")&&(n=String(Number(n)));return e<0||Object.is(e,-0)?rt+n:n}function k(e,t=4){let s=Math.abs(e);return!Number.isFinite(e)||s>=1e4||s!==0&&s<.5*10**-t?w(e,2):(e<0?rt:"")+s.toFixed(t)}function f(e,t,s=4,n=w){return e==null?"":o`<span class="number" data-of=${t} data-exact=${String(e)} title=${String(e)}>${n(e,s)}</span>`}function v(e){return e.toLocaleString("en-US").replaceAll(","," ")}function V(e){return e.length?`(${e.join(", ")}${e.length===1?",":""})`:"scalar"}function ce(e){let{state:t,scene:s}=e;return o`
    <header>
      <div class="title">
        <h1>chainrule board</h1>
        <p>${s.title} · ${Ke(s)} · ${v(s.parameters)} parameters${e.recorded?o` · a recording of ${v(e.recorded.steps.length)} steps of ${v(t.furthest)}`:d}</p>
        <div class="tools">
          ${Ge(e)}
          <button type="button" aria-pressed=${e.view.projector} @click=${()=>e.look({projector:!e.view.projector})}>Projector</button>
          <button type="button" @click=${()=>e.look({theme:Je(e.view.theme)})}>Theme: ${e.view.theme}</button>
          ${yt.filter(n=>n==="keys"||!e.readOnly).map(n=>Ze(e,n))}
        </div>
      </div>
      <div class="run">
        <div class="primary">
          ${Ye(e)}
          <dl class="measures">
            <div><dt>step</dt><dd data-of="step" data-exact=${t.step}>${v(t.step)}</dd></div>
            <div><dt>loss</dt><dd>${f(e.answers.frame?.loss,"loss",4,k)}</dd></div>
            <div><dt>accuracy</dt><dd>${f(e.answers.samples?.accuracy,"accuracy",3,k)}</dd></div>
          </dl>
        </div>
        ${Xe(e)} ${ts(e)}
      </div>
    </header>
  `}function Je(e){return e==="auto"?"light":e==="light"?"dark":"auto"}function Ke(e){return[e.columns,...e.network.hidden_layer_sizes,e.classes.length].join("–")}function Ze(e,t){let s={network:"Network",quiz:"Quiz",keys:"Keys"};return o`<button type="button" aria-expanded=${e.view.panel===t} @click=${()=>e.toggle(t)}>${s[t]}</button>`}function Ge(e){return o`
    <label>Pace
      <select @change=${t=>Qe(e,t.target.value)}>
        <option value="" ?selected=${e.pace===null}>${e.readOnly?"2 a second":"full speed"}</option>
        ${(e.readOnly?[1,4,10]:[1,4,20,100]).map(t=>o`<option value=${t} ?selected=${e.pace===t}>${t} a second</option>`)}
      </select>
    </label>
  `}function Qe(e,t){e.pace=t?Number(t):null,e.state.playing&&e.command("play",{rate:e.pace})}function Ye(e){let{state:t}=e;return o`
    <div class="controls" role="group" aria-label="Run">
      <button type="button" class="main" @click=${()=>e.togglePlay()}>${t.playing?"Pause":"Play"}</button>
      <button type="button" @click=${()=>e.command("back")} aria-disabled=${t.step===0&&t.phase==="forward"}>Back</button>
      <button type="button" @click=${()=>e.command("step")}>Step</button>
    </div>
  `}function Xe(e){return o`
    <div class="jumps" role="group" aria-label="Jumps">
      ${e.readOnly?d:o`<button type="button" @click=${()=>e.command("step",{count:100})}>100 steps</button>`}
      <button type="button" @click=${()=>e.command("reset")} aria-disabled=${e.state.step===0}>To the start</button>
    </div>
  `}function ts(e){let{state:t}=e;return o`
    <div class="phases" role="group" aria-label="Phases of step ${t.step+1}">
      <ol>
        ${e.scene.phases.map(s=>o`<li aria-current=${t.walking&&s===t.phase?"step":d}>${s}</li>`)}
      </ol>
      <button type="button" @click=${()=>e.command("phase")}>Next phase</button>
    </div>
  `}function le(e){let t=[];return(!e.connected||e.told)&&t.push(e.waitingText()),e.state.stopped_at!==null&&t.push(`Step ${e.state.stopped_at+1}: the loss is no longer a number. The run has stopped before it.`),e.message&&t.push(e.message),o`<div class="notices" role="status" aria-live="polite">${t.map(s=>o`<p>${s}</p>`)}</div>`}function he(e){return e.view.panel!=="keys"?d:o`
    <section class="panel keys" aria-labelledby="keys-title">
      <div class="bar"><h2 id="keys-title">Keys</h2><button type="button" class="close" @click=${()=>e.close()}>Close</button></div>
      <dl>${oe(e).map(([t,s])=>o`<div><dt><kbd>${t}</kbd></dt><dd>${s}</dd></div>`)}</dl>
    </section>
  `}var es=64,ss=.75,ns=1.25,is={forward:0,loss:1,backward:2,update:3};function pe(e){let{scene:t,answers:s}=e,{layout:n}=t,i=new Map((s.frame?.nodes??[]).map(h=>[h.name,h])),[r,a]=[n.width+16,n.height+16],c=rs(e,r),l=n.boxes.filter(h=>!h.elided).map(fe),u=l.includes(xt(e))?xt(e):l[0];return o`
    <section class="panel graph" aria-labelledby="graph-title">
      <div class="bar">
        <h2 id="graph-title">Graph</h2>
        <p class="aside">${os(e)}</p>
        <span class="scale"><span aria-hidden="true">−</span><span class="ramp" role="img" aria-label="Colours: orange below 0, blue above"></span><span aria-hidden="true">+</span></span>
        <form class="find" @submit=${h=>ps(e,h)}>
          <label for="find">Find</label>
          <input id="find" name="entry" list="nodes" placeholder="W1[0, 3]" autocomplete="off" spellcheck="false" />
          <datalist id="nodes">${t.nodes.map(h=>o`<option value=${h.name}></option>`)}${e.recorded?.entries.map(h=>o`<option value=${h}></option>`)}</datalist>
        </form>
      </div>
      <div class="scroll" role="group" aria-label="Nodes">
        <div class="drawing" ${z({width:`${r}px`,height:`${a}px`,zoom:String(c)})}>
          <svg viewBox="-8 -8 ${r} ${a}" width=${r} height=${a} aria-hidden="true">
            ${n.routes.map(h=>as(h))}
            ${n.tags.map(h=>A`<text class="tag ${h.lane}" x=${h.x+h.width/2} y=${h.y+h.height/2+4}>${h.text}</text>`)}
          </svg>
          ${n.headings.map(h=>o`<div class="heading ${h.lane}" aria-hidden="true" ${z({top:`${h.y+8}px`,left:`${h.x+8}px`})}><span>${h.text}</span></div>`)}
          ${n.boxes.map(h=>ls(e,h,i.get(h.name),u))}
        </div>
      </div>
      ${e.expanded?fs(e):d}
    </section>
  `}function rs(e,t){let s=e.root.clientWidth-es;return s<ss*t?1:Math.min(ns,s/t)}function os(e){let{focus:t}=e.view;if(t!==null)return o`driven by sample ${t} alone: m = 1`;let s=e.answers.frame?.rows;return o`driven by the batch${s?o` of m = ${s} rows: J is a mean, so 1/m stands in dZ`:d}`}function as(e){let t=e.points.map(([s,n])=>`${s},${n}`);return A`<polyline class="route ${e.lane}" points=${t.join(" ")} />
    ${cs(e)}`}function cs(e){let t=e.points.length;if(t<2||e.target===null)return d;let[[s,n],[i,r]]=[e.points[t-2],e.points[t-1]],a=Math.atan2(r-n,i-s)*180/Math.PI;return A`<path class="head ${e.lane}" d="M0 0L-8 -4L-8 4Z" transform="translate(${i} ${r}) rotate(${a})" />`}function ls(e,t,s,n){let i=t.lane==="backward",r=fe(t),a=z({left:`${t.x+8}px`,top:`${t.y+8}px`,width:`${t.width}px`,height:`${t.height}px`});if(t.elided)return o`<div class="card elided" ${a}>${t.elided}</div>`;let c=i?s?.gradient:s?.value;return o`
    <button type="button" class="card ${t.lane} ${t.kind} ${ds(e,t)?"":"ahead"}" ${a}
      data-node=${r} aria-pressed=${r===xt(e)} tabindex=${r===n?0:-1}
      @click=${()=>e.view.entry===r?us(e,t.name,i):e.select(r)}>
      <span class="name ${r.length>6?"long":""}">${i?o`<i class="d">d</i>${de(t.name)}`:de(t.name)}</span>
      <span class="shape">${t.shape.length?V(s?.shape??t.shape):d}</span>
      <span class="visually-hidden">${i?"gradient":t.operation}</span>
      ${c?hs(e,r,c):o`<span class="none">${i?"no gradient":"not given"}</span>`}
    </button>
  `}function fe(e){return e.lane==="backward"?`d${e.name}`:e.name}function xt(e){return(e.view.entry??"").replace(/\[.*$/,"")}function de(e){let[,t,s]=e.match(/^(.*?)(\d*)$/s);return o`<i>${t||s}</i>${t&&s?o`<sub>${s}</sub>`:d}`}function hs(e,t,s){let{least:n,most:i,nonfinite:r}=s;if(s.size===1)return o`<span class="scalar ${r?"bad":""}">${f(s.only,`only ${t}`,e.view.projector?3:4)}</span>`;let c=Math.max(Math.abs(n),Math.abs(i))>=1e100?1:e.view.projector?2:3;return o`
    <canvas class="heat" ${I(ee(s.picture),[s,e.paper])}></canvas>
    <span class="range ${r?"bad":""}">${r?`${r} not finite`:[f(n,`least ${t}`,c),f(i,`most ${t}`,c)]}</span>
  `}function ds(e,t){let s=is[e.state.phase];return e.state.walking?t.lane==="backward"?s>=2:t.shape.length===0&&!t.elided?s>=1:!0:!0}function us(e,t,s){e.expanded={node:t,gradient:s,row:0,column:0},e.refresh()}function ps(e,t){t.preventDefault();let s=t.target.elements.namedItem("entry"),n=s.value.trim();n&&(s.select(),e.goTo(n))}function fs(e){let{block:t}=e.answers,s=e.expanded,n=s.gradient?`d${s.node}`:s.node;if(!t)return o`<p class="waiting">${e.errors.block||"…"}</p>`;let[i,r]=t.entries.shape,a=t.shape.length<2,l=e.scene.nodes.find(h=>h.name===s.node).batch&&e.view.focus!==null,u=(h,p)=>{let m=a?[t.column+p]:[t.row+h,t.column+p],g=t.shape.length===0?[]:l?m.slice(1):m;return g.length?`[${g.join(", ")}]`:""};return o`
    <div class="entries">
      <div class="bar">
        <h3>${n} ${V(t.shape)}</h3>
        ${ue(e,"rows",t.row,i,a?1:t.shape[0])}
        ${ue(e,"columns",t.column,r,t.shape.at(-1)??1)}
        <button type="button" @click=${()=>e.close()}>Close</button>
      </div>
      <div class="scroll">
        <table class="cells">
          <caption class="visually-hidden">Entries of ${n}</caption>
          <thead><tr><td></td>${bt(r).map(h=>o`<th scope="col">${t.column+h}</th>`)}</tr></thead>
          <tbody>
            ${bt(i).map(h=>o`<tr><th scope="row">${a?"":t.row+h}</th>
                ${bt(r).map(p=>o`<td>${$s(e,n+u(h,p),t.entries.data[h*r+p],h+p===0)}</td>`)}</tr>`)}
          </tbody>
        </table>
      </div>
    </div>
  `}function $s(e,t,s,n){let i=f(s,`entry ${t}`,3);return e.canSelect(t)?o`<button type="button" class="entry" tabindex=${n?0:-1} data-entry=${t} @click=${()=>e.select(t)}>${i}</button>`:i}function ue(e,t,s,n,i){if(n>=i)return d;if(e.readOnly)return o`<span class="mover">${t} 0 to ${n-1} of ${i}: the others were not recorded</span>`;let r=t==="rows"?"row":"column",a=c=>{e.expanded={...e.expanded,[r]:Math.max(0,c<i?c:s)},e.refresh()};return o`
    <span class="mover">${t} ${s} to ${s+n-1} of ${i}
      <button type="button" aria-label="Earlier ${t}" aria-disabled=${s===0} @click=${()=>a(s-n)}>‹</button>
      <button type="button" aria-label="Later ${t}" aria-disabled=${s+n>=i} @click=${()=>a(s+n)}>›</button>
    </span>
  `}function bt(e){return Array.from({length:e},(t,s)=>s)}var ot=M(class extends x{constructor(){super(...arguments),this.key=d}render(e,t){return this.key=e,t}update(e,[t,s]){return t!==this.key&&(Gt(e),this.key=t),s}});var J=class extends x{constructor(t){if(super(t),this.it=d,t.type!==et.CHILD)throw Error(this.constructor.directiveName+"() can only be used in child bindings")}render(t){if(t===d||t==null)return this._t=void 0,this.it=t;if(t===C)return t;if(typeof t!="string")throw Error(this.constructor.directiveName+"() called with a non-string value");if(t===this.it)return this._t;this.it=t;let s=[t];return s.raw=s,this._t={_$litType$:this.constructor.resultType,strings:s,values:[]}}};J.directiveName="unsafeHTML",J.resultType=1;var at=M(J);function $e(e){let{inspect:t}=e.answers;return o`
    <section class="panel inspector" aria-labelledby="inspector-title">
      <div class="bar"><h2 id="inspector-title">Inspector</h2>${t?o`<p class="aside">${t.entry}</p>`:d}</div>
      ${e.view.entry===null?o`<p class="hint">Select a node of the graph, or find an entry: <kbd>/</kbd> then <code>W1[0, 3]</code>.</p>`:t?ms(e,t):o`<p class="hint">${e.errors.inspect||"…"}</p>`}
    </section>
  `}function ms(e,t){return o`
    <dl class="facts">
      ${t.value===void 0?d:o`<div><dt>value</dt><dd>${f(t.value,`value ${t.entry}`,6)}</dd></div>`}
      ${t.gradient===void 0?d:o`<div><dt>gradient</dt><dd>${f(t.gradient,`gradient ${t.entry}`,6)}</dd></div>`}
      <div><dt>shape</dt><dd>${V(t.shape)}</dd></div>
    </dl>
    ${t.formulas.map(s=>o`
        <figure class="formula">
          <figcaption>${s.caption}</figcaption>
          <div class="math" tabindex="0" role="group" aria-label=${s.text}>${at(s.mathml)}</div>
          ${s.shapes?o`<p class="shapes">${s.shapes.replaceAll("->","→")}</p>`:d}
        </figure>
      `)}
    ${t.editable&&!e.readOnly?ot(t.editable,gs(e,t)):d}
    ${t.numpy?ws(e,t):e.readOnly?o`<p class="hint">As NumPy: not recorded.</p>`:d}
  `}function gs(e,t){let s=e.edited?.entry===t.editable?e.edited:null;return o`
    <form class="edit" @submit=${n=>{n.preventDefault();let i=Number(n.target.elements.value.value);n.target.elements.value.value.trim()&&!Number.isNaN(i)&&e.edit(t.editable,i)}}>
      <label>Set ${t.editable} to <input name="value" inputmode="decimal" autocomplete="off" .value=${String(t.value)} /></label>
      <button type="submit">Set</button>
    </form>
    ${s?ys(s,e.scene.loss):d}
  `}function ys(e,t){return o`
    <table class="outcome">
      <caption>What the gradient foretold, and what happened to ${t}</caption>
      <tbody>
        <tr><th scope="row">dw</th><td>${f(e.change,"edit dw",6)}</td></tr>
        <tr><th scope="row">g · dw</th><td>${f(e.predicted,"edit predicted",6)}</td></tr>
        <tr><th scope="row">${t} before</th><td>${f(e.before,"edit before",8)}</td></tr>
        <tr><th scope="row">${t} after</th><td>${f(e.after,"edit after",8)}</td></tr>
        <tr><th scope="row">change of ${t}</th><td>${f(e.happened,"edit happened",6)}</td></tr>
      </tbody>
    </table>
  `}function ws(e,t){return o`
    <details class="numpy">
      <summary>As NumPy</summary>
      <button type="button" @click=${()=>vs(e,t.numpy)}>Copy</button>
      <pre tabindex="0"><code data-name="numpy">${t.numpy}</code></pre>
    </details>
  `}async function vs(e,t){try{await navigator.clipboard.writeText(t),e.message="Copied."}catch{e.message="The browser refused to copy: select the lines instead."}e.draw()}function ge(e){let{ledger:t}=e.answers,s=e.ledgerEntry;return o`
    <section class="panel ledger" aria-labelledby="ledger-title">
      <div class="bar">
        <h2 id="ledger-title">Ledger of paths</h2>
        ${t?o`<p class="aside">d${t.loss}/d${t.entry} · ${t.count} paths, ${t.over}</p>`:d}
      </div>
      ${s===null?o`<p class="hint">Select one entry, such as ${me(e,ks(e))}, to see every path from it to the loss.</p>`:t?t.count==="0"?o`<p class="hint">No path leads from ${t.entry} to ${t.loss}: it has no gradient.</p>`:As(t):o`<p class="hint">${e.errors.ledger||"…"}</p>`}
      ${e.recorded?o`<p class="aside recorded">Recorded: ${e.recorded.entries.map(n=>o`${me(e,n)} `)}</p>`:d}
    </section>
  `}function me(e,t){return o`<button type="button" class="link" @click=${()=>e.select(t)}>${t}</button>`}function ks(e){if(e.recorded)return e.recorded.entries[0]??"W1[0, 0]";let t=e.scene.nodes.find(s=>s.parameter&&s.shape.length===2);return`${t?.name??"W1"}[0, ${Math.min(3,(t?.shape[1]??4)-1)}]`}function As(e){return o`
    <div class="scroll" tabindex="0" role="group" aria-label="Paths">
      <table>
        <thead><tr><th scope="col">path, and its factors from J back</th><th scope="col" class="right">product</th></tr></thead>
        <tbody>
          ${e.rows.map(t=>o`
              <tr>
                <th scope="row"><span class="path">${t.path}</span>
                <span class="factors">${t.factors.map((s,n)=>o`${n?o`<span class="times">·</span>`:d}<span class="factor" title="${s.symbol} = ${s.value}"><span class="symbol">${s.formula}</span><span class="value">${f(s.value,`factor ${s.symbol} of ${t.path}`)}</span></span>`)}</span></th>
                <td class="right">${f(t.product,`product of ${t.path}`,8,k)}</td>
              </tr>
            `)}
          ${e.rest_count?o`<tr class="rest"><th scope="row">${e.rest_count} other paths together</th><td class="right">${f(e.rest,"ledger rest",8,k)}</td></tr>`:d}
        </tbody>
        <tfoot>
          <tr><th scope="row">sum of the paths</th><td class="right">${f(e.total,"ledger total",8,k)}</td></tr>
          <tr><th scope="row">gradient by the backward pass</th><td class="right">${f(e.gradient,"ledger gradient",8,k)}</td></tr>
          <tr class=${Math.abs(e.residual)<=1e-9*Math.abs(e.magnitude||1)?"good":"bad"}>
            <th scope="row">they differ by</th><td class="right">${f(e.residual,"ledger residual",3)}</td>
          </tr>
        </tfoot>
      </table>
    </div>
    <p class="aside">The sizes of all paths add up to ${w(e.magnitude)}.</p>
  `}function we(e){let{samples:t,sample:s}=e.answers;return o`
    <section class="panel samples" aria-labelledby="samples-title">
      <div class="bar">
        <h2 id="samples-title">Samples</h2>
        <label>by <select @change=${n=>e.look({order:n.target.value})}>
          <option value="loss" ?selected=${e.view.order==="loss"}>loss</option>
          <option value="row" ?selected=${e.view.order==="row"}>row</option>
        </select></label>
        <button type="button" aria-pressed=${e.view.focus===null} @click=${()=>e.look({focus:null})}>Whole batch</button>
      </div>
      ${s?xs(e,s):_s()} ${e.recorded?bs(e,e.recorded.rows):d}
      ${t?Ns(e,t):o`<p class="hint">${e.errors.samples||"…"}</p>`}
    </section>
  `}function _s(){return o`<p class="hint">The whole batch drives the board. Choose a row to follow it alone.</p>`}function bs(e,t){let s=n=>o`<button type="button" class="link" aria-pressed=${n===e.view.focus} data-row=${n} @click=${()=>e.look({focus:n})}>${n}</button> `;return o`<p class="aside recorded">Recorded: ${t.map(s)}</p>`}function xs(e,t){let s=e.scene.classes;return o`
    <table class="residual">
      <caption>Sample ${t.row}, class ${s[t.label]}: ${e.scene.loss} = ${f(t.loss,"sample loss")}</caption>
      <thead><tr><th scope="col">class</th><th scope="col" class="right">p</th><th scope="col" class="right">y</th><th scope="col" class="right">dZ = p − y</th></tr></thead>
      <tbody>
        ${s.slice(0,30).map((n,i)=>o`
            <tr>
              <th scope="row">${K(i)} ${n}</th>
              <td class="right">${ye(t.p.data[i],"value")}${f(t.p.data[i],`p ${i}`,4,k)}</td>
              <td class="right">${f(t.y.data[i],`y ${i}`,1)}</td>
              <td class="right">${ye(t.d.data[i],"gradient")}${f(t.d.data[i],`p-y ${i}`,4,k)}</td>
            </tr>
          `)}
      </tbody>
    </table>
  `}function ye(e,t){let s=Math.max(-1,Math.min(1,Number.isFinite(e)?e:0)),[n,i]=t==="value"?[0,100*s]:[50+Math.min(0,50*s),50*Math.abs(s)];return o`<span class="bar-track ${t}" aria-hidden="true"><span class="bar-fill" ${z({left:`${n}%`,width:`${i}%`})}></span></span>`}function K(e){return o`<svg class="swatch" viewBox="-6 -6 12 12" aria-hidden="true">${Ms[nt(e)](W(e))}</svg>`}var Ms={circle:e=>A`<circle r="4.5" fill=${e} />`,square:e=>A`<rect x="-4" y="-4" width="8" height="8" fill=${e} />`,triangle:e=>A`<path d="M0 -5L5 4L-5 4Z" fill=${e} />`,diamond:e=>A`<path d="M0 -5.5L5.5 0L0 5.5L-5.5 0Z" fill=${e} />`,cross:e=>A`<path d="M-4 -4L4 4M-4 4L4 -4" stroke=${e} stroke-width="2.6" />`,star:e=>A`<path d="M0 -5.5L1.5 -1.6L5.5 -1.6L2.3 1L3.4 5L0 2.7L-3.4 5L-2.3 1L-5.5 -1.6L-1.5 -1.6Z" fill=${e} />`};function Ns(e,t){let s=e.scene.classes.length,n=e.view.focus,i=t.rows.shape[0],r=t.of<t.all?`, of ${v(t.of)} looked at of ${v(t.all)}`:"";return o`
    <div class="scroll">
      <table class="rows cells">
        <caption class="visually-hidden">Rows, by ${e.view.order}</caption>
        <thead><tr><th scope="col">row</th><th scope="col">class</th><th scope="col" class="right">loss</th><th scope="col" class="right">p of class</th><th scope="col">predicted</th></tr></thead>
        <tbody>
          ${Array.from({length:i},(a,c)=>Ts(e,t,c,s,c===Math.max(0,t.rows.data.indexOf(n))))}
        </tbody>
      </table>
    </div>
    <p class="aside">${v(i)} rows${r}; mean loss ${f(t.mean_loss,"mean loss",4,k)}
      ${i<t.of&&!e.readOnly?o`<button type="button" class="link" @click=${()=>{e.listed+=50,e.refresh()}}>more</button>`:d}</p>
  `}function Ts(e,t,s,n,i){let r=t.rows.data[s],a=t.labels.data[s],c=t.probabilities.data.subarray(s*n,(s+1)*n),l=c.indexOf(Math.max(...c));return o`
    <tr class=${r===e.view.focus?"chosen":""}>
      <th scope="row">${e.canFocus(r)?o`<button type="button" class="link" tabindex=${i?0:-1} aria-pressed=${r===e.view.focus} data-row=${r} @click=${()=>e.look({focus:r})}>${r}</button>`:r}</th>
      <td>${K(a)} ${e.scene.classes[a]}</td>
      <td class="right">${f(t.losses.data[s],`row loss ${r}`,4,k)}</td>
      <td class="right">${f(c[a],`row p ${r}`,4,k)}</td>
      <td class=${l===a?"":"wrong"}>${K(l)} ${e.scene.classes[l]}${l===a?d:o`<span class="visually-hidden"> (wrong)</span>`}</td>
    </tr>
  `}function ve(e){let{plane:t}=e.answers,{scene:s}=e;return o`
    <section class="panel plane" aria-labelledby="plane-title">
      <div class="bar">
        <h2 id="plane-title">Plane</h2>
        ${s.columns>2&&!e.readOnly?[0,1].map(n=>Ss(e,n)):d}
      </div>
      ${t?Os(e,t):o`<p class="hint">${e.errors.plane||"…"}</p>`}
    </section>
  `}function Ss(e,t){return o`<label>${t?"up":"across"} <select @change=${s=>{let n=[...e.plane];n[t]=Number(s.target.value),n[0]!==n[1]?e.look({plane:n}):e.say("Two different columns make a plane.")}}>${e.scene.features.slice(0,1e3).map((s,n)=>o`<option value=${n} ?selected=${e.plane[t]===n}>${s}</option>`)}</select></label>`}function Os(e,t){let{scene:s,view:n}=e;return o`
    <div class="axes">
      <span class="up"><span>${w(t.up[0],3)}</span><span>${s.features[t.y]}</span><span>${w(t.up[1],3)}</span></span>
      <canvas role="img" aria-label="Decision regions over ${s.features[t.x]} and ${s.features[t.y]}, with ${t.rows.shape[0]} rows as points"
        ${I(se(t,n.focus),[t,n.focus,e.paper])}
        @click=${i=>Es(e,t,i)}></canvas>
      <span class="ticks"><span>${w(t.across[0],3)}</span><span>${s.features[t.x]}</span><span>${w(t.across[1],3)}</span></span>
    </div>
    <ul class="legend">${s.classes.slice(0,12).map((i,r)=>o`<li>${K(r)} ${i}</li>`)}</ul>
    ${s.columns>2?Cs(e,t):d}
  `}function Cs(e,t){let s=e.view.focus===null?"their means":`sample ${e.view.focus}`;return o`
    <details class="held"><summary>The other columns are held at ${s}</summary>
      <dl>${e.scene.features.map((n,i)=>i===t.x||i===t.y||i>200?d:o`<div><dt>${n}</dt><dd>${f(t.held.data[i],`held ${i}`,3)}</dd></div>`)}</dl>
    </details>
  `}function Es(e,t,s){let n=s.currentTarget,i=s.offsetX/n.clientWidth,r=1-s.offsetY/n.clientHeight,a=-1,c=.05**2;for(let l=0;l<t.rows.shape[0];++l){if(!e.canFocus(t.rows.data[l]))continue;let u=(t.points.data[2*l]-t.across[0])/(t.across[1]-t.across[0])-i,h=(t.points.data[2*l+1]-t.up[0])/(t.up[1]-t.up[0])-r;u*u+h*h<c&&([a,c]=[l,u*u+h*h])}e.look({focus:a<0?null:t.rows.data[a]})}var ke=1e3,ct=110;function Ae(e){let{timeline:t}=e.answers;return o`
    <section class="panel timeline" aria-labelledby="timeline-title">
      <div class="bar"><h2 id="timeline-title">Timeline</h2>${t?o`<p class="aside">step ${v(e.state.step)} of ${v(e.state.furthest)}</p>`:d}</div>
      ${t?Ps(e,t):o`<p class="hint">${e.errors.timeline||"…"}</p>`}
    </section>
  `}function Ps(e,t){let{layers:s}=t,n=t.marks.shape[0],i=(r,a)=>Array.from({length:n},(c,l)=>r.data[l*s.length+a]);return o`
    <input type="range" class="scrubber" min="0" max=${Math.max(1,e.state.furthest)} .value=${String(e.state.step)}
      ?disabled=${e.state.furthest===0} list=${e.recorded?"recorded-steps":d} aria-label="Step" aria-valuetext="step ${e.state.step}"
      @input=${r=>Ls(e,Number(r.target.value))} />
    ${e.recorded?o`<datalist id="recorded-steps">${e.recorded.steps.map(r=>o`<option value=${r}></option>`)}</datalist>`:d}
    <div class="curves">
      ${ht("loss, nats",t,[{name:"batch",low:t.lowest.data,high:t.highest.data,edges:t.edges.data}],!1)}
      ${ht("accuracy",t,[{name:"accuracy",x:t.marks.data,y:Array.from(t.accuracies.data)}],!1,[0,1])}
      ${ht("gradient norm",t,s.map((r,a)=>({name:`d${r}`,x:t.marks.data,y:i(t.gradient_norms,a)})),!0)}
      ${ht("update / weight",t,s.map((r,a)=>({name:r,x:t.marks.data,y:i(t.update_ratios,a)})),!0)}
    </div>
    ${n?zs(t,i):d}
  `}var Mt=!1,lt=null;async function Ls(e,t){if(lt=t,!Mt){for(Mt=!0;lt!==null;){let s=lt;lt=null,await e.command("seek",{step:s})}Mt=!1}}function ht(e,t,s,n,i=null){let r=$=>n?Math.log10(Math.max($,1e-12)):$,a=s.flatMap($=>$.low?[...$.low,...$.high]:$.y).filter($=>Number.isFinite($)&&(!n||$>0)),[c,l]=i??(a.length?[Math.min(...a),Math.max(...a)]:[NaN,NaN]),[u,h]=[r(c),r(l)],p=Math.max(1,t.furthest),m=$=>$/p*ke,g=$=>ct-4-(r($)-u)/(h-u||1)*(ct-8);return o`
    <figure class="curve">
      <figcaption>${e}${n?", log":""} ${s.length>1?s.map(($,_)=>o`<span class="key line-${_%4}">${$.name}</span>`):d}</figcaption>
      <div class="plot">
        ${Number.isNaN(l)?d:o`<span class="top">${w(l,3)}</span><span class="bottom">${w(c,3)}</span>`}
        <span class="from">0</span><span class="to">${v(t.furthest)}</span>
        ${a.length?d:o`<p class="hint">nothing yet</p>`}
        <svg viewBox="0 0 ${ke} ${ct}" preserveAspectRatio="none" role="img" aria-label="${e}${a.length?`, from ${w(c,3)} to ${w(l,3)}`:", nothing yet"}">
          ${s.map(($,_)=>A`<path class="line-${_%4}" d=${$.low?Is($,m,g):Hs($,m,g)} />`)}
          <line class="now" x1=${m(t.step)} x2=${m(t.step)} y1="0" y2=${ct} />
        </svg>
      </div>
    </figure>
  `}function Hs(e,t,s){let n="";return e.y.forEach((i,r)=>{Number.isFinite(i)&&(n+=`${n?"L":"M"}${t(e.x[r]).toFixed(1)} ${s(i).toFixed(1)}`)}),n&&`${n}h0`}function Is(e,t,s){let n="";for(let i=0;i<e.low.length;++i){let r=t((e.edges[i]+e.edges[i+1])/2).toFixed(1);Number.isFinite(e.low[i])&&(n+=`${n?"L":"M"}${r} ${s(e.high[i]).toFixed(1)}L${r} ${s(e.low[i]).toFixed(1)}`)}return n}function zs(e,t){let s=e.marks.shape[0]-1;return o`
    <details class="measured"><summary>Measured at step <span data-of="marked step" data-exact=${e.marks.data[s]}>${v(e.marks.data[s])}</span>: accuracy ${f(e.accuracies.data[s],"marked accuracy",3)}</summary>
      <table>
        <thead><tr><th scope="col">weight</th><th scope="col" class="right">gradient norm</th><th scope="col" class="right">update / weight</th></tr></thead>
        <tbody>${e.layers.map((n,i)=>o`<tr><th scope="row">${n}</th>
          <td class="right">${f(t(e.gradient_norms,i)[s],`norm d${n}`)}</td><td class="right">${f(t(e.update_ratios,i)[s],`ratio ${n}`)}</td></tr>`)}</tbody>
      </table>
    </details>
  `}var Nt=1e-7,Tt=.01;function _e(e){let{check:t}=e,s=t&&!t.parameters;return o`
    <section class="panel check" aria-labelledby="check-title">
      <div class="bar">
        <h2 id="check-title">Check</h2>
        ${e.recorded?.checked===null?d:o`<button type="button" aria-disabled=${!!s} @click=${()=>e.runCheck()}>${e.recorded?`Show the check of step ${e.recorded.checked}`:"Check the gradients"}</button>`}
      </div>
      ${t?s?o`<p role="status"><progress aria-label="Entries checked" max=${t.of} .value=${t.done}></progress> ${v(t.done)} of ${v(t.of)} entries</p>`:qs(e,t):o`<p class="hint">Is the gradient right? Each entry against (J(w + h) − J(w − h)) / 2h.${e.recorded?.checked===null?" No check was recorded.":d}</p>`}
    </section>
  `}function qs(e,t){let s=t.step!==e.state.step||t.version!==e.state.version;return o`
    <p class="verdict ${t.worst_error<=1e-6?"good":"bad"}">
      ${t.worst_error<=1e-6?"The gradients agree":"The gradients DIFFER"}: largest relative error
      ${f(t.worst_error,"worst error",2)}${t.worst?o` at ${e.canSelect(t.worst)?o`<button type="button" class="link" @click=${()=>e.select(t.worst)}>${t.worst}</button>`:t.worst}`:d}${s?o` (at step ${t.step})`:d}
    </p>
    <div class="maps">
      ${t.parameters.map(n=>o`
          <figure>
            <figcaption>${n.name}: ${n.checked} checked${n.kinks?o`, ${n.kinks} at a kink`:d}</figcaption>
            <canvas class="errors" role="img" aria-label="Relative errors of ${n.name}, at most ${w(n.worst,2)}"
              ${I(Rs(n),[n,e.paper])}></canvas>
          </figure>
        `)}
    </div>
    <ul class="legend">
      <li><span class="tone good"></span> at most 1e−7</li><li><span class="tone middle"></span> between</li>
      <li><span class="tone bad"></span> above 1e−2</li><li><span class="tone kink"></span> the step crosses a ReLU's kink: not judged</li>
    </ul>
    <div class="visually-hidden"><table><caption>Largest relative errors</caption>
      <thead><tr><th scope="col">parameter</th><th scope="col">checked</th><th scope="col">at a kink</th><th scope="col">largest error</th></tr></thead>
      <tbody>${t.parameters.map(n=>o`<tr><th scope="row">${n.name}</th><td>${n.checked}</td><td>${n.kinks}</td><td>${w(n.worst,2)}</td></tr>`)}</tbody>
    </table></div>
  `}function Rs(e){return t=>{let{context:s,width:n,height:i}=At(t),[r,a]=e.errors.shape,c=q(t)==="dark",[l,u]=[n/a,i/r];for(let h=0;h<r*a;++h){let[p,m]=[Math.round(h%a*l),Math.round(Math.floor(h/a)*u)],g=e.errors.data[h],$=e.states.data[h];if($===0)continue;s.fillStyle=$===2?c?"#4a505a":"#c9ced6":js(g,c);let _=l>4&&u>4?1:0,[y,N]=[Math.round((h%a+1)*l),Math.round((Math.floor(h/a)+1)*u)];s.fillRect(p,m,Math.max(1,y-p-_),Math.max(1,N-m-_));let L=$===1&&!(g<=Tt);($===2||L)&&(s.strokeStyle=L?c?"#1b1f25":"#ffffff":c?"#9aa3b0":"#6b7280",s.lineWidth=L?1.5:1,s.beginPath(),s.moveTo(p,m+u),s.lineTo(p+l,m),L&&(s.moveTo(p,m),s.lineTo(p+l,m+u)),s.stroke())}}}function js(e,t){if(!(e<=Tt))return t?"#ff8a6b":"#a31d00";if(e<=Nt)return t?"#1f7a5c":"#7fcfb2";let s=Math.log10(e/Nt)/Math.log10(Tt/Nt);return t?`hsl(${160-110*s} ${58+10*s}% ${30+24*s}%)`:`hsl(${158-108*s} ${45+35*s}% ${66-24*s}%)`}function be(e){if(e.view.panel!=="network"||e.readOnly)return d;let{network:t,choices:s}=e.scene,n=(r,a,c)=>o`
    <label>${a} <select name=${r}>${c.map(l=>o`<option ?selected=${l===t[r]}>${l}</option>`)}</select></label>`,i=(r,a,c)=>o`
    <label>${a} <input name=${r} .value=${String(c)} autocomplete="off" spellcheck="false" /></label>`;return o`
    <section class="panel network" aria-labelledby="network-title">
      <div class="bar"><h2 id="network-title">Network</h2><button type="button" class="close" @click=${()=>e.close()}>Close</button></div>
      <form @submit=${r=>Fs(e,r)}>
        ${i("hidden_layer_sizes","Hidden layers",t.hidden_layer_sizes.join(", "))}
        ${n("activation","Activation",s.activation)} ${n("initialization","Start",s.initialization)}
        ${i("l2","L2, λ",t.l2)} ${i("dropout","Dropout",t.dropout)} ${i("seed","Seed",t.seed)}
        ${n("solver","Optimizer",s.solver)} ${i("learning_rate","Learning rate",t.learning_rate)}
        ${i("batch_size","Batch size",t.batch_size)}
        <button type="submit" class="main">Change</button>
      </form>
      <p class="hint">Optimizer, learning rate and batch size change from this step on. Layers, activation, start, L2, dropout and seed begin a new run.</p>
    </section>
  `}var Ds=["l2","dropout","learning_rate"],Bs=["seed","batch_size"];async function Fs(e,t){t.preventDefault();let s=new FormData(t.target),n={};for(let[i,r]of s){let a=String(r).trim(),c=a;if(i==="hidden_layer_sizes"?c=a===""?[]:a.split(/[\s,]+/).map(Number):(Ds.includes(i)||Bs.includes(i))&&(c=Number(a)),typeof c=="number"?Number.isNaN(c):Array.isArray(c)&&c.some(Number.isNaN)){e.say(`${i.replaceAll("_"," ")}: ${a} is not a number.`);return}JSON.stringify(c)!==JSON.stringify(e.scene.network[i])&&(n[i]=c)}if(!Object.keys(n).length){e.say("Nothing was changed.");return}await e.command("network",{changes:n})}function xe(e){if(e.view.panel!=="quiz"||e.readOnly)return d;let{quiz:t}=e;return o`
    <section class="panel quiz" aria-labelledby="quiz-title">
      <div class="bar">
        <h2 id="quiz-title">Quiz</h2>
        <button type="button" @click=${()=>Us(e)}>${t?"Another question":"Ask me"}</button>
        ${t?.asked?o`<p class="aside">${t.right} of ${t.asked} right</p>`:d}
        <button type="button" class="close" @click=${()=>e.close()}>Close</button>
      </div>
      ${t?.question?ot(t.question.id,Ws(e,t)):o`<p class="hint">A number of this network is hidden; work it out from the ones that are shown.</p>`}
    </section>
  `}async function Us(e){let t=await e.command("quiz",{focus:e.view.focus});t&&(e.quiz={right:e.quiz?.right??0,asked:e.quiz?.asked??0,question:t,answer:null},e.focusOn(".quiz input"))}function Ws(e,t){let{question:s,answer:n}=t;return o`
    <p>${s.text}</p>
    <div class="math" tabindex="0" role="group" aria-label=${s.formula}>${at(s.mathml)}</div>
    <table><tbody>${s.given.map(i=>o`<tr><th scope="row">${i.entry}</th><td class="right">${f(i.value,`given ${i.entry}`)}</td></tr>`)}</tbody></table>
    <form class="edit" @submit=${i=>{i.preventDefault(),n?.right||Vs(e,i.target.elements.answer.value)}}>
      <label>${s.entry} = <input name="answer" inputmode="decimal" autocomplete="off" ?readonly=${n?.right} /></label>
      <button type="submit" aria-disabled=${n?.right??!1}>Answer</button>
    </form>
    <p role="status" class=${n?n.right?"good":"bad":""}>${n?n.right?o`Right: ${f(n.value,`answer ${s.entry}`,6)}.`:"Not yet. Within one per cent is right.":d}</p>
  `}async function Vs(e,t){let s=Number(t.replace("−","-").replace(",","."));if(t.trim()===""||Number.isNaN(s)){e.say(`${t} is not a number.`);return}let n=await e.command("answer",{question:e.quiz.question.id,value:s});if(!n)return;let i=e.quiz.answer===null;e.quiz={...e.quiz,answer:n,asked:e.quiz.asked+(i?1:0),right:e.quiz.right+(i&&n.right?1:0)},e.draw()}var St={frame:e=>({focus:e.view.focus}),samples:e=>({order:e.view.order,count:e.listed}),sample:e=>e.view.focus===null?null:{row:e.view.focus},plane:e=>({x:e.plane[0],y:e.plane[1],...e.scene.columns>2?{focus:e.view.focus}:{}}),timeline:()=>({}),inspect:e=>e.view.entry?{entry:e.view.entry,focus:e.view.focus}:null,block:e=>e.expanded?{...e.expanded,focus:e.view.focus}:null,ledger:e=>e.ledgerEntry?{entry:e.ledgerEntry,focus:e.view.focus,top:12}:null},Js=100,dt=class{constructor(t,s,n={}){this.root=t,this.transport=s,this.keepsAddress=n.address??!1,this.themeAround=n.themeAround??(()=>null),this.view={...wt},this.listed=30,this.state=null,this.scene=null,this.answers={},this.asked={},this.errors={},this.expanded=null,this.connected=!1,this.refused=!1,this.message="",this.told="",this.check=null,this.edited=null,this.quiz=null,this.cameFrom=null,this.focusNext="",this.pace=null,this.asking=new Set,this.pending=0,this.isRendering=!1,this.soon=void 0,s.listen(i=>this.hear(i)),ae(this),this.keepsAddress&&(this.readAddress(),window.addEventListener("hashchange",()=>this.follow())),new ResizeObserver(()=>this.draw()).observe(t),matchMedia("(prefers-color-scheme: dark)").addEventListener("change",()=>this.draw()),this.draw()}get plane(){return this.view.plane??this.scene.plane}get paper(){return q(this.root)}get moment(){return`${this.state.revision}/${this.state.version}/${this.state.step}`}get readOnly(){return this.transport.readOnly}get recorded(){return this.transport.recorded??null}canFocus(t){return this.recorded?.rows.includes(t)??!0}canSelect(t){return this.recorded?.entries.some(s=>s===t||`d${s}`===t)??!0}get ledgerEntry(){let t=this.view.entry;return!t||!t.includes("[")?null:t.startsWith("d")?t.slice(1):t}hear(t){t.event==="connected"?(this.connected=!0,this.refused=!1,this.open()):t.event==="disconnected"?(this.connected=!1,this.refused=t.refused,this.told=t.text??"",this.draw()):t.event==="told"?(this.told=t.text,this.draw()):t.event==="state"?this.take(t):t.event==="check"&&this.check&&(this.check={...this.check,done:t.done,of:t.of},this.draw())}async open(){try{this.scene=await this.transport.request("scene");let t=this.keepsAddress?this.readAddress():void 0;this.fitView();let s=await this.transport.request("state");t!==void 0&&t!==s.step&&!s.playing&&!this.state&&(s=await this.transport.request("goto",{step:t})),this.take(s)}catch(t){this.say(t)}}async take(t){let s=!this.scene||t.revision!==this.scene.revision||t.version!==this.scene.version,n=t.stopped_at!==null&&this.state?.stopped_at!==t.stopped_at;this.state=t,t.playing&&(this.pace=t.rate);let{edited:i}=this;if(i&&(i.state.step!==t.step||i.state.version!==t.version)&&(this.edited=null),s){let r=await this.transport.request("scene"),a=this.scene?.revision!==r.revision;this.scene=r,a&&this.fitView()}n&&this.goToTrouble(),this.refresh()}fitView(){let t=new Set(this.scene.nodes.map(n=>n.name)),s=this.view.entry?.replace(/\[.*$/,"");s&&!t.has(s)&&!(s.startsWith("d")&&t.has(s.slice(1)))&&(this.view.entry=null),this.view.focus!==null&&this.view.focus>=this.scene.rows&&(this.view.focus=null),this.view.plane?.some(n=>n>=this.scene.columns)&&(this.view.plane=null),this.expanded=null,this.check=null,this.edited=null,this.message="",this.answers={},this.asked={}}async goToTrouble(){try{let t=await this.transport.request("trouble",{focus:this.view.focus});t.entry&&this.select(t.entry),this.message=t.text}catch(t){this.say(t)}this.draw()}look(t){this.message="",("focus"in t||"entry"in t)&&(this.edited=null),"focus"in t&&!("entry"in t)&&(t.entry=this.entryFor(t.focus??null)),Object.assign(this.view,t),this.refresh()}entryFor(t){let{entry:s}=this.view,[,n,i,r]=s?.match(/^(d?)(.*?)\[(.*)\]$/)??[],a=this.scene.nodes.find(u=>u.name===i||u.name===n+i);if(!a?.batch||t===null==(this.view.focus===null))return s;let c=a.name===i?n+i:a.name,l=r.split(",").slice(1).join(",").trim();return t!==null&&l?`${c}[${l}]`:c}select(t){this.look({entry:t})}goTo(t){this.select(t),this.focusOn(`[data-node="${CSS.escape(t.replace(/\[.*$/,"").trim())}"]`)}focusOn(t){this.focusNext=t,this.draw()}toggle(t){let s=this.view.panel!==t&&t!=="";s&&!this.view.panel&&(this.cameFrom=this.focused),this.look({panel:s?t:""}),s?this.focusOn(`.${t} :is(input, button)`):this.cameFrom?.focus()}get focused(){let{activeElement:t}=this.root.getRootNode();return t instanceof HTMLElement&&this.root.contains(t)?t:null}close(){if(this.view.panel)this.toggle("");else if(this.expanded){let{node:t,gradient:s}=this.expanded;this.expanded=null,this.refresh(),this.focusOn(`[data-node="${CSS.escape((s?"d":"")+t)}"]`)}}async refresh(){this.draw(),!(!this.connected||!this.scene||!this.state)&&(await Promise.all(Object.keys(St).map(t=>this.ask(t))),this.keepsAddress&&this.writeAddress(),this.draw())}wanted(t){let s=St[t](this);return{moment:this.moment,args:s,text:JSON.stringify(s)}}isCurrent(t){let[s,n]=[this.asked[t],this.wanted(t)];return s?.moment===n.moment&&s.text===n.text}async ask(t){if(!(this.asking.has(t)&&this.asked[t]?.text===this.wanted(t).text)){for(this.asking.add(t);!this.isCurrent(t);){let s=this.wanted(t),n=this.state.playing&&this.asked[t]?.text===s.text;this.asked[t]=s;let i,r="";try{s.args!==null&&(i=await this.transport.request(t,s.args,n))}catch(a){r=a.message}if(this.asked[t]!==s)return;this.answers[t]=i,this.errors[t]=r,t==="inspect"&&r&&(this.message=r),n?this.drawSoon():this.draw()}this.asking.delete(t)}}get isSettled(){let t=this.scene?.revision===this.state?.revision&&this.scene?.version===this.state?.version;return!this.state||!t||this.pending||this.asking.size?!1:Object.keys(St).every(s=>this.isCurrent(s))}async command(t,s={}){this.message="",this.pending+=1,this.draw();try{let n=await this.transport.request(t,s);return n&&"step"in n&&"phase"in n&&await this.take(n),n}catch(n){return this.say(n),null}finally{this.pending-=1,this.draw()}}say(t){this.message=t.message??String(t),this.draw()}togglePlay(){return this.state.playing?this.command("pause"):this.command("play",{rate:this.pace})}async edit(t,s){let n=await this.command("edit",{entry:t,value:s,focus:this.view.focus});n&&(this.edited=n,await this.take(n.state))}async runCheck(){if(this.check&&!this.check.parameters)return;if(this.recorded){if(this.recorded.checked===null)return;this.look({focus:null}),await this.command("seek",{step:this.recorded.checked})}this.check={done:0,of:1},this.draw();let t={step:this.state.step,version:this.state.version},s=await this.command("check",{focus:this.view.focus});this.check=s?{...s,...t}:null,this.draw()}readAddress(){let{step:t,...s}=Jt(location.hash);return this.view={...wt,...s},t}follow(){let t=this.readAddress();t!==void 0&&this.state&&t!==this.state.step&&this.command(this.readOnly?"seek":"goto",{step:t}),this.refresh()}writeAddress(){let t=Kt(this.view,this.state.playing?void 0:this.state.step);t!==location.hash&&history.replaceState(null,"",t||location.pathname+location.search)}drawSoon(){this.soon??=setTimeout(()=>{this.soon=void 0,this.draw()},Js)}draw(){this.isRendering||(this.isRendering=!0,requestAnimationFrame(()=>{this.isRendering=!1;let t=this.root.classList.contains("projector")!==this.view.projector;this.root.classList.toggle("projector",this.view.projector),this.root.dataset.theme=this.view.theme==="auto"?this.themeAround()??"auto":this.view.theme,Vt(this.page(),this.root);let s=this.focusNext?this.root.querySelector(this.focusNext):null;this.focusNext="",s?.focus(),t&&this.focused?.scrollIntoView({block:"nearest"}),this.root.dataset.moment=this.isSettled?`${this.moment} ${JSON.stringify(this.view)}`:""}))}page(){return!this.scene||!this.state?o`<p class="waiting" role="status">${this.waitingText()}</p>`:o`
      ${ce(this)}
      <div class="panels">
        ${he(this)} ${be(this)} ${xe(this)}
        ${pe(this)} ${$e(this)} ${ge(this)} ${we(this)} ${ve(this)}
        ${Ae(this)} ${_e(this)}
      </div>
      ${le(this)}
    `}waitingText(){return this.told?this.told:this.refused?"The board was started anew, with another address: open that one.":this.connected?"Loading …":"Waiting for the board …"}};var Ks={f4:Float32Array,f8:Float64Array,u1:Uint8Array,i4:Int32Array},Me={NaN:NaN,Infinity:1/0,"-Infinity":-1/0};function Ne(e){let t=new DataView(e).getUint32(0,!0),s=JSON.parse(new TextDecoder().decode(new Uint8Array(e,4,t))),n=4+t;return Ot(s,i=>{let r=n;return n+=i+(-i&7),e.slice(r,r+i)})}function Ot(e,t){if(typeof e=="string")return e in Me?Me[e]:e;if(Array.isArray(e))return e.map(s=>Ot(s,t));if(e===null||typeof e!="object")return e;if("$array"in e){let s=Ks[e.dtype],n=e.shape.reduce((i,r)=>i*r,1);return{data:new s(t(n*s.BYTES_PER_ELEMENT,e.$array)),shape:e.shape}}return Object.fromEntries(Object.entries(e).map(([s,n])=>[s,Ot(n,t)]))}var Zs=2,Ct=class{readOnly=!0;constructor(t){this.record=t,this.recorded={steps:t.steps,rows:t.rows,entries:t.entries,checked:t.checked},this.place=t.steps.length-1,this.phase="forward",this.walking=!1,this.rate=null,this.timer=0,this.listeners=[]}async request(t,s={}){return t==="scene"?this.record.scene:t in Te?(t!=="state"&&this.stop(),Te[t](this,s),this.state):this.answer(t,s)}get state(){let{record:t,phase:s,walking:n,rate:i}=this;return{...t.state,step:t.steps[this.place],phase:s,walking:n,rate:i,playing:this.timer!==0}}answer(t,s){let{answers:n,told:i,arrays:r}=this.record,a=n[`${t} ${JSON.stringify(s,Object.keys(s).sort())}`]?.[this.place]??null;if(a===null)throw new Error(`${s.entry??"This"} was not recorded. The board itself (chainrule board) answers it.`);let c=Et(i[a],r);if(c.error)throw new Error(c.error);return c}go(t){this.place=Math.max(0,Math.min(t,this.record.steps.length-1)),this.phase="forward",this.walking=!1}play(){this.place===this.record.steps.length-1&&this.go(0),this.timer=setInterval(()=>{this.go(this.place+1),this.place===this.record.steps.length-1&&this.stop();for(let t of this.listeners)t({event:"state",...this.state})},1e3/(this.rate??Zs))}stop(){clearInterval(this.timer),this.timer=0}listen(t){this.listeners.push(t),queueMicrotask(()=>t({event:"connected"}))}},Te={state:()=>{},pause:()=>{},play:(e,{rate:t})=>{e.rate=t,e.play()},step:e=>e.go(e.place+1),reset:e=>e.go(0),seek:(e,{step:t})=>e.go(Se(e.record.steps,t)),goto:(e,{step:t})=>e.go(Se(e.record.steps,t)),back:e=>{e.phase!=="forward"?e.phase="forward":e.go(e.place-1)},phase:e=>{let{phases:t}=e.record.scene,s=e.phase===t.at(-1);s&&e.place===e.record.steps.length-1||(s?e.go(e.place+1):e.walking&&(e.phase=t[t.indexOf(e.phase)+1]),e.walking=!0)}};function Se(e,t){let s=0;return e.forEach((n,i)=>{Math.abs(n-t)<Math.abs(e[s]-t)&&(s=i)}),s}function Et(e,t){return Array.isArray(e)?e.map(s=>Et(s,t)):e===null||typeof e!="object"?e:"$kept"in e?t[e.$kept]:Object.fromEntries(Object.entries(e).map(([s,n])=>[s,Et(n,t)]))}async function Gs(){let e=document.getElementById("record").textContent??"",t=Uint8Array.from(atob(e.trim()),s=>s.charCodeAt(0));return Ne(await new Response(new Blob([t]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer())}var Oe=document.getElementById("board");try{new dt(Oe,new Ct(await Gs()),{address:!0})}catch(e){Oe.textContent=`The recording can't be read: ${e.message}. A browser of 2023 or later opens it, unless the file is cut off.`}
/*! Bundled license information:

lit-html/lit-html.js:
lit-html/directive.js:
lit-html/async-directive.js:
lit-html/directives/unsafe-html.js:
  (**
   * @license
   * Copyright 2017 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

lit-html/directive-helpers.js:
  (**
   * @license
   * Copyright 2020 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

lit-html/directives/keyed.js:
  (**
   * @license
   * Copyright 2021 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)
*/
